/** Times as people write them, `1 h 30 min`, and as they are stored: in milliseconds. */

const UNITS: readonly { readonly ms: number; readonly name: string; readonly words: readonly string[] }[] = [
  { ms: 604_800_000, name: 'week', words: ['w', 'wk', 'wks', 'week', 'weeks'] },
  { ms: 86_400_000, name: 'day', words: ['d', 'day', 'days'] },
  { ms: 3_600_000, name: 'h', words: ['h', 'hr', 'hrs', 'hour', 'hours'] },
  { ms: 60_000, name: 'min', words: ['m', 'min', 'mins', 'minute', 'minutes'] },
  { ms: 1000, name: 's', words: ['s', 'sec', 'secs', 'second', 'seconds'] },
  { ms: 1, name: 'ms', words: ['ms', 'msec', 'millisecond', 'milliseconds'] },
]
const PART = /\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\s*(?:,|and)?/giy

/** `2 days`, `1 h 30 min`, `500 ms`; weeks are told in days. */
export function showDuration(ms: number): string {
  const parts: string[] = []
  let left = Math.round(ms)
  for (const { ms: size, name } of UNITS.slice(1)) {
    const count = Math.floor(left / size)
    if (count === 0) continue
    left -= count * size
    parts.push(`${String(count)} ${name}${name === 'day' && count !== 1 ? 's' : ''}`)
  }
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** The milliseconds of what is typed; a number alone is of seconds. Null for what is no time. */
export function readDuration(text: string): number | null {
  const typed = text.trim().toLowerCase()
  if (typed === '') return null
  let total = 0
  let last = Infinity
  PART.lastIndex = 0
  while (PART.lastIndex < typed.length) {
    const match = PART.exec(typed)
    if (match === null) return null
    const word = match[2]!
    const unit = UNITS.find(({ words }) => words.includes(word === '' ? 's' : word))
    // `30` stands alone; `1 h 30` would leave open what is meant.
    if (unit === undefined || (word === '' && match[0].trim() !== typed) || unit.ms >= last) return null
    total += Number(match[1]!.replace(',', '.')) * unit.ms
    last = unit.ms
  }
  const ms = Math.round(total)
  return Number.isSafeInteger(ms) ? ms : null
}
