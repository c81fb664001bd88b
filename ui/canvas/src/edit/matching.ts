/** Finding by a few letters: how well a text answers a query, and which letters did. */

export interface Match {
  /** Higher is better; never 0. */
  readonly points: number
  /** The places in the title that matched, as `[from, to)`. */
  readonly spans: readonly (readonly [number, number])[]
}

/**
 * Null when a word of the query is nowhere. Each word counts where it is best: at the title's
 * begin, at a word's begin, inside, among the other words, or as letters in order.
 */
export function match(query: string, title: string, words = ''): Match | null {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return { points: 1, spans: [] }
  const low = title.toLowerCase()
  const other = ` ${words.toLowerCase()}`
  const spans: (readonly [number, number])[] = []
  let points = 0
  for (const word of wanted) {
    const found = one(word, low, other)
    if (found === null) return null
    points += found.points
    spans.push(...found.spans)
  }
  if (wanted.length > 1 && low.includes(wanted.join(' '))) points += 40
  // Of two titles that match alike, the one with fewer words left over is meant.
  return { points: points - Math.min(low.length, 60) / 100, spans: joined(spans) }
}

function one(word: string, title: string, other: string): Match | null {
  const at = title.indexOf(word)
  if (at === 0) return { points: title.length === word.length ? 140 : 120, spans: [[0, word.length]] }
  const begin = wordBegin(title, word)
  if (begin > 0) return { points: 100, spans: [[begin, begin + word.length]] }
  if (other.split(/[\s,]+/).includes(word)) return { points: 90, spans: [] }
  if (wordBegin(other, word) >= 0) return { points: 80, spans: [] }
  if (at > 0) return { points: 60, spans: [[at, at + word.length]] }
  const letters = word.length > 1 ? inOrder(title, word) : null
  if (letters) return { points: 30 - spread(letters), spans: letters }
  if (word.length > 2 && other.includes(word)) return { points: 10, spans: [] }
  return null
}

function wordBegin(text: string, word: string, from = 0): number {
  for (let at = text.indexOf(word, from); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return at
  }
  return -1
}

/** Either each letter begins a word, or they stand close: else everything would match everything. */
function inOrder(text: string, letters: string): (readonly [number, number])[] | null {
  const initials = along(letters, (letter, from) => wordBegin(text, letter, from))
  if (initials) return initials
  const near = along(letters, (letter, from) =>
    from === 0 ? wordBegin(text, letter) : text.indexOf(letter, from),
  )
  return near && spread(near) <= letters.length ? near : null
}

function along(
  letters: string,
  next: (letter: string, from: number) => number,
): (readonly [number, number])[] | null {
  const spans: (readonly [number, number])[] = []
  for (const letter of letters) {
    const at = next(letter, spans.at(-1)?.[1] ?? 0)
    if (at < 0) return null
    spans.push([at, at + 1])
  }
  return spans
}

function spread(spans: readonly (readonly [number, number])[]): number {
  return (spans.at(-1)?.[1] ?? 0) - (spans[0]?.[0] ?? 0) - spans.length
}

function joined(spans: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const made: [number, number][] = []
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = made.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else made.push([from, to])
  }
  return made
}

/** A title in pieces, marked and unmarked in turn, for drawing. */
export function pieces(
  title: string,
  spans: readonly (readonly [number, number])[],
): readonly { readonly text: string; readonly marked: boolean }[] {
  const made: { text: string; marked: boolean }[] = []
  let at = 0
  for (const [from, to] of spans) {
    if (from > at) made.push({ text: title.slice(at, from), marked: false })
    made.push({ text: title.slice(from, to), marked: true })
    at = to
  }
  if (at < title.length) made.push({ text: title.slice(at), marked: false })
  return made
}
