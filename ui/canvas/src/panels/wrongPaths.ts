/** Paths and functions in expressions that lead nowhere, as far as that is known, and what was meant. */
import { isMembers } from '../json'
import { artifactOf } from './data/references'
import { hasExpression, inner, join, parsePath, segments, type Root } from './expressions'
import { FUNCTIONS } from './functions'

export interface WrongPath {
  /** The path up to the first name that is not there. */
  readonly path: string
  /** The name that is not there. */
  readonly name: string
  /** The text with the likeliest name instead, or null when none is near. */
  readonly fixed: { readonly name: string; readonly text: string } | null
}

const TEXTS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g
const PATH = /(?<![\w.\]"'])(steps|input|vars|prev|item|secrets)((?:\.[A-Za-z_]\w*|\[-?\d+\]|\["[^"\\]*"\]|\['[^'\\]*'\])+)/g
const BOUND = /\bfor\s+(\w+(?:\s*,\s*\w+)*)\s+in\b/g
const CALL = /(?<![\w.])([A-Za-z_]\w*)\s*\(/g
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'if', 'else', 'for', 'is'])

/** The first wrong name; null while nothing is known to be wrong. */
export function wrongPath(text: string, roots: readonly Root[]): WrongPath | null {
  if (!hasExpression(text)) return null
  let start = 0
  for (const part of segments(text)) {
    const found = part.expression ? wrongIn(part.text, roots) : null
    if (found !== null) {
      const { at, name, names } = found
      const near = found.meant ?? nearest(name, names)
      const from = start + at
      // What begins in brackets takes the place of the dot as well.
      const before = text.slice(0, near?.startsWith('[') ? from - 1 : from)
      const fixed =
        near === null ? null : { name: near, text: before + near + text.slice(from + name.length) }
      return { path: found.path, name, fixed }
    }
    start += part.text.length
  }
  return null
}

interface Wrong {
  readonly path: string
  readonly name: string
  readonly names: readonly string[]
  /** What is certainly meant, where it is more than another name. */
  readonly meant?: string | null
  /** Where the name stands in the expression. */
  readonly at: number
}

function wrongIn(expression: string, roots: readonly Root[]): Wrong | null {
  // Names in brackets are texts too; other texts hide nothing that could be a path.
  const source = expression.replace(TEXTS, (all, at: number) =>
    expression[at - 1] === '[' ? all : ' '.repeat(all.length),
  )
  if (inner(source) === '') return null
  // `[item.name for item in prev]` has an item of its own.
  const bound = [...source.matchAll(BOUND)].flatMap((match) => match[1]!.split(/\s*,\s*/))
  for (const match of source.matchAll(PATH)) {
    if (bound.includes(match[1]!)) continue
    const keys = parsePath(match[0])
    const wrong = keys && missing(keys, roots)
    if (!wrong) continue
    const at = match.index + match[0].lastIndexOf(wrong.name)
    return { ...wrong, at: Math.max(match.index, at) }
  }
  const known = FUNCTIONS.map(({ name }) => name)
  for (const match of source.matchAll(CALL)) {
    const name = match[1]!
    if (!known.includes(name) && !WORDS.has(name) && nearest(name, known) !== null)
      return { path: name, name, names: known, at: match.index }
  }
  return null
}

function missing(
  keys: readonly (string | number)[],
  roots: readonly Root[],
): Omit<Wrong, 'at'> | null {
  const own = roots
    .map((root) => ({ root, keys: parsePath(root.name) ?? [] }))
    .filter((entry) => entry.keys.length > 0)
  const [head, second] = keys
  const depth = head === 'steps' ? 2 : 1
  const found = own.find(
    (entry) => entry.keys.length === depth && entry.keys.every((key, index) => key === keys[index]),
  )
  if (!found) {
    if (head !== 'steps' || second === undefined) return null
    const names = own.filter((entry) => entry.keys[0] === 'steps').map(({ keys: k }) => String(k[1]))
    return { path: `steps.${String(second)}`, name: String(second), names }
  }
  const { root } = found
  let at: unknown = root.value
  let path = root.name
  if (!root.known) return notPromised(root, keys[depth], path)
  for (const key of keys.slice(depth)) {
    const artifact = artifactOf(at)
    // An expression sees a large value itself, of which only the beginning is known here.
    if (artifact !== null && artifact.kind !== 'table') return null
    if (artifact !== null && typeof key === 'string') {
      if (key === 'rows') return null
      const columns = artifact.columns.map(({ name }) => name)
      const column = columns.includes(key) ? key : nearest(key, columns)
      if (!TABLE_FACTS.includes(key) && !isFact(at, key))
        return {
          path: join(path, key),
          name: key,
          names: TABLE_FACTS,
          meant: nearest(key, TABLE_FACTS) ?? (column && join(join('preview', 0), column)),
        }
    }
    path = join(path, key)
    if (Array.isArray(at) && typeof key === 'string') {
      // A name of what the list holds: its first entry is meant.
      const first: unknown = (at as unknown[])[0]
      const names = isMembers(first) ? Object.keys(first) : []
      const name = names.includes(key) ? key : nearest(key, names)
      return name === null ? null : { path, name: key, names, meant: join('[0]', name) }
    }
    if (Array.isArray(at) && typeof key === 'number') {
      at = (at as unknown[])[key < 0 ? at.length + key : key]
      // Another run may have longer lists.
      if (at === undefined) return null
    } else if (isMembers(at)) {
      const names = namesOf(at, root, path === join(root.name, key))
      if (!names.includes(String(key))) return { path, name: String(key), names }
      at = at[String(key)]
      if (at === undefined) return null
    } else return null
  }
  return null
}

/** What expressions are made for of a table; how it is kept may be asked for, too. */
const TABLE_FACTS: readonly string[] = ['row_count', 'columns', 'preview']

function isFact(at: unknown, key: string): boolean {
  return isMembers(at) && Object.hasOwn(at, key)
}

function namesOf(at: Record<string, unknown>, root: Root, top: boolean): string[] {
  return [...Object.keys(at), ...(top ? (root.members ?? []).map(({ name }) => name) : [])]
}

/** Before a run, only what settings promise is known, such as the inputs of the workflow. */
function notPromised(
  root: Root,
  key: string | number | undefined,
  path: string,
): Omit<Wrong, 'at'> | null {
  const names = (root.members ?? []).map(({ name }) => name)
  if (names.length === 0 || typeof key !== 'string' || names.includes(key)) return null
  return { path: join(path, key), name: key, names }
}

/** The name with the fewest changed letters, when that is near enough to be meant. */
export function nearest(name: string, names: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  let best: { name: string; far: number } | null = null
  for (const one of names) {
    const far = plain(one) === plain(name) ? 0 : distance(one.toLowerCase(), name.toLowerCase())
    if (far <= Math.ceil(name.length / 3) && (best === null || far < best.far))
      best = { name: one, far }
  }
  return best?.name ?? null
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
