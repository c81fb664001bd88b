/** What an expression field offers and previews: names, their paths, and the values last seen. */

import { isMembers, isNumber, parse, stringify } from '../json'
import { artifactOf, chartOf, type ArtifactRef } from './data/references'

export interface Segment {
  text: string
  /** True for `{{ … }}` and `${…}`, braces included. */
  expression: boolean
}

export interface Offer {
  /** What is written between the braces. */
  path: string
  label: string
  group: string
  icon: string
  /** The type of the value, when one is known. */
  type: string
  /** A short text of the last value, or "" without one. */
  preview: string
}

export interface Root {
  name: string
  group: string
  icon: string
  label: string
  /** The last value seen, if `known`. */
  value: unknown
  known: boolean
  /** Member names that are known without a value, such as the fields of an input schema. */
  members?: { name: string; label: string; type: string }[]
}

/** As graphs/language/lexer.py: the dollar of `${{ … }}` is a currency sign, `\${` begins nothing. */
const PATTERN = /\{\{[\s\S]*?\}\}|(?<!\\)\$\{(?!\{)[^}]*\}/g

export function hasExpression(value: unknown): value is string {
  return typeof value === 'string' && (value.includes('{{') || value.includes('${'))
}

/** Cut a template into plain text and expressions; the parts joined are the text again. */
export function segments(text: string): Segment[] {
  const parts: Segment[] = []
  let last = 0
  for (const match of text.matchAll(PATTERN)) {
    if (match.index > last) parts.push({ text: text.slice(last, match.index), expression: false })
    parts.push({ text: match[0], expression: true })
    last = match.index + match[0].length
  }
  if (last < text.length) parts.push({ text: text.slice(last), expression: false })
  return parts
}

/** The source between the braces. */
export function inner(expression: string): string {
  return expression.startsWith('{{')
    ? expression.slice(2, -2).trim()
    : expression.slice(2, -1).trim()
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/

/** `steps.greet`, `rows[0]`, `input["a b"]`. */
export function join(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${String(key)}]`
  return IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${stringify(key)}]`
}

/** A path without operators, as keys; null for anything that needs the real evaluator. */
export function parsePath(source: string): (string | number)[] | null {
  const text = source.trim()
  const head = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text)
  if (head === null) return null
  const keys: (string | number)[] = [head[0]]
  let at = head[0].length
  const step = /\.([A-Za-z0-9_-]+)|\[(-?\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['([^'\\]*)'\]/y
  while (at < text.length) {
    step.lastIndex = at
    const match = step.exec(text)
    if (match === null) return null
    const [whole, name, index, double, single] = match
    if (name !== undefined) keys.push(name)
    else if (index !== undefined) keys.push(Number(index))
    else if (double !== undefined) keys.push(parse(`"${double}"`) as string)
    else if (single !== undefined) keys.push(single)
    at += whole.length
  }
  return keys
}

export interface Found {
  known: boolean
  value: unknown
}

const UNKNOWN: Found = { known: false, value: undefined }

function descend(value: unknown, keys: readonly (string | number)[]): Found {
  let at: unknown = value
  for (const key of keys) {
    if (Array.isArray(at) && typeof key === 'number')
      at = (at as unknown[])[key < 0 ? at.length + key : key]
    else if (
      isMembers(at) && Object.hasOwn(at, String(key)))
      at = at[String(key)]
    else return UNKNOWN
    if (at === undefined) return UNKNOWN
  }
  return { known: true, value: at }
}

/** The last value of a path such as `steps.greet.text`. */
export function lookUp(roots: readonly Root[], source: string): Found {
  const keys = parsePath(source)
  if (keys === null) return UNKNOWN
  let best: { root: Root; used: number } | null = null
  for (const root of roots) {
    const own = parsePath(root.name)
    if (own === null || own.length > keys.length) continue
    const matches = own.every((key, index) => String(key) === String(keys[index]))
    if (matches && (best === null || own.length > best.used)) best = { root, used: own.length }
  }
  if (best === null || !best.root.known) return UNKNOWN
  return descend(best.root.value, keys.slice(best.used))
}

/** The field's value with last-run data; unknown when a part is no simple path or never ran. */
export function preview(text: string, roots: readonly Root[]): Found {
  const parts = segments(text)
  const [first] = parts
  if (parts.length === 1 && first?.expression === true) return lookUp(roots, inner(first.text))
  let out = ''
  for (const part of parts) {
    if (!part.expression) {
      // A part that is still being typed would show as if it were text.
      if (part.text.includes('{{')) return UNKNOWN
      out += part.text
      continue
    }
    const found = lookUp(roots, inner(part.text))
    if (!found.known) return UNKNOWN
    out += typeof found.value === 'string' ? found.value : stringify(found.value)
  }
  return { known: true, value: out }
}

export function typeName(value: unknown): string {
  if (value === null) return 'null'
  const artifact = artifactOf(value)
  if (artifact !== null) return artifact.kind === 'table' ? 'table' : artifact.kind === 'file' ? 'file' : 'large value'
  if (chartOf(value) !== null) return 'chart'
  if (isNumber(value)) return 'number'
  if (Array.isArray(value)) return `list of ${String(value.length)}`
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'true/false'
    default:
      return 'object'
  }
}

/** A reference in the words of what it stands for, such as `table, 120 rows × 5 columns`. */
function referred(value: unknown): string | null {
  const chart = chartOf(value)
  if (chart !== null) return chart.title === '' ? 'chart' : `chart “${chart.title}”`
  const artifact = artifactOf(value)
  return artifact === null ? null : referredArtifact(artifact)
}

function referredArtifact({ kind, row_count: rows, columns, name, size_bytes: size }: ArtifactRef): string {
  if (kind === 'table') {
    const counted = rows === null ? 'rows' : `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`
    const wide = `${String(columns.length)} ${columns.length === 1 ? 'column' : 'columns'}`
    return `table, ${counted} × ${wide}`
  }
  const bytes = `${size.toLocaleString('en')} bytes`
  return kind === 'file' ? `file${name === '' ? '' : ` ${name}`}, ${bytes}` : `a large value, ${bytes}`
}

export function brief(value: unknown, limit = 60): string {
  let text: string
  const told = referred(value)
  if (told !== null) text = told
  else if (typeof value === 'string') text = value.slice(0, limit + 1)
  else if (Array.isArray(value) && value.length > 20) text = `[… ${String(value.length)} entries]`
  else text = stringify(value) ?? ''
  text = text.replace(/\s+/g, ' ')
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text
}

const MAX_DEPTH = 3
const MAX_MEMBERS = 40

/** All paths that may be written, each root followed by what is known beneath it. */
export function offers(roots: readonly Root[]): Offer[] {
  const list: Offer[] = []
  for (const root of roots) {
    list.push(offer(root.name, root.label, root, root.known ? root.value : undefined, root.known))
    const seen = new Set<string>()
    if (root.known) collect(root, root.name, root.value, 1, list, seen)
    for (const member of root.members ?? []) {
      const path = join(root.name, member.name)
      if (seen.has(path)) continue
      list.push({ ...offer(path, member.label, root, undefined, false), type: member.type })
    }
  }
  return list
}

function collect(
  root: Root,
  path: string,
  value: unknown,
  depth: number,
  list: Offer[],
  seen: Set<string>,
): void {
  if (depth > MAX_DEPTH || !(isMembers(value) || Array.isArray(value))) return
  const artifact = artifactOf(value)
  if (artifact !== null) return collectReference(root, path, artifact, list, seen)
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? (value as unknown[]).slice(0, 1).map((entry, index) => [index, entry])
    : Object.entries(value).slice(0, MAX_MEMBERS)
  for (const [key, entry] of entries) {
    const here = join(path, key)
    seen.add(here)
    const title = root.members?.find((member) => member.name === key)?.label
    list.push(offer(here, title ?? String(key), root, entry, true))
    collect(root, here, entry, depth + 1, list, seen)
  }
}

/** Of a table, its columns and what is known of it; not how it is kept. */
function collectReference(
  root: Root,
  path: string,
  artifact: ArtifactRef,
  list: Offer[],
  seen: Set<string>,
): void {
  const add = (here: string, label: string, value: unknown, known = true): void => {
    seen.add(here)
    list.push(offer(here, label, root, value, known))
  }
  if (artifact.kind === 'file') {
    add(join(path, 'name'), 'Name of the file', artifact.name)
    add(join(path, 'size_bytes'), 'Size in bytes', artifact.size_bytes)
    add(join(path, 'media_type'), 'Kind of file', artifact.media_type)
  } else if (artifact.kind === 'table') {
    add(join(path, 'row_count'), 'Number of rows', artifact.row_count)
    const rows = Array.isArray(artifact.preview) ? (artifact.preview as unknown[]) : []
    const first: unknown = rows[0]
    for (const column of artifact.columns.slice(0, isMembers(first) ? MAX_MEMBERS : 0)) {
      const cell = isMembers(first) ? first[column.name] : undefined
      add(join(join(join(path, 'preview'), 0), column.name), `${column.name} of the first row`, cell)
    }
    add(join(path, 'preview'), 'The first rows, as a list', rows)
    add(join(path, 'columns'), 'Names and types of the columns', artifact.columns)
  } else if (isMembers(artifact.preview))
    // The expression sees the value itself; what is shown of it is cut short.
    for (const key of Object.keys(artifact.preview).slice(0, MAX_MEMBERS))
      add(join(path, key), key, undefined, false)
}

function offer(path: string, label: string, root: Root, value: unknown, known: boolean): Offer {
  return {
    path,
    label,
    group: root.group,
    icon: root.icon,
    type: known ? typeName(value) : '',
    preview: known ? brief(value) : '',
  }
}

/** Offers that fit what was typed, the best first; everything in order for an empty query. */
export function filterOffers(all: readonly Offer[], query: string, limit = 200): Offer[] {
  const wanted = query.trim().toLowerCase()
  if (wanted === '') return all.slice(0, limit)
  return all
    .map((item, index) => ({ item, index, rank: rankOf(item, wanted) }))
    .filter((entry) => entry.rank < 9)
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, limit)
    .map((entry) => entry.item)
}

function rankOf(item: Offer, wanted: string): number {
  const path = item.path.toLowerCase()
  if (path === wanted) return 0
  if (path.startsWith(wanted)) return 1
  const last = /[^.[]+$/.exec(path)?.[0] ?? path
  if (last.startsWith(wanted) || item.label.toLowerCase().startsWith(wanted)) return 2
  if (path.includes(wanted) || item.label.toLowerCase().includes(wanted)) return 3
  return 9
}

export interface Opening {
  /** Where the expression's braces begin. */
  start: number
  /** Where they end, closing braces included if there are any. */
  end: number
  /** The path that is being typed, up to the caret. */
  query: string
  /** Where that path begins. */
  queryStart: number
  closed: boolean
  dollar: boolean
  /** The caret stands behind a `|`: a function that changes the value comes next. */
  pipe: boolean
}

/** The expression around the caret, or null when the caret stands in plain text. */
export function openingAt(text: string, caret: number): Opening | null {
  const before = text.slice(0, caret)
  const double = before.lastIndexOf('{{')
  const dollar = before.lastIndexOf('${')
  const isDollar = dollar > double
  const start = Math.max(double, dollar)
  if (start < 0) return null
  const close = isDollar ? '}' : '}}'
  const typed = before.slice(start + 2)
  if (typed.includes(close)) return null
  const rest = text.slice(caret)
  const end = rest.search(isDollar ? /\}/ : /\}\}/)
  const nextOpen = rest.search(/\{\{|\$\{/)
  const closed = end >= 0 && (nextOpen < 0 || end < nextOpen)
  const query = /[A-Za-z0-9_.[\]"'-]*$/.exec(typed)?.[0] ?? ''
  return {
    start,
    end: closed ? caret + end + close.length : caret,
    query,
    queryStart: caret - query.length,
    closed,
    dollar: isDollar,
    pipe: /(^|[^|])\|\s*$/.test(typed.slice(0, typed.length - query.length)),
  }
}

/** Write a path at the caret: into the expression it stands in, else with braces of its own. */
export function insertPath(
  text: string,
  caret: number,
  path: string,
): { text: string; caret: number } {
  const opening = openingAt(text, caret)
  if (opening === null) {
    const piece = `{{ ${path} }}`
    return { text: text.slice(0, caret) + piece + text.slice(caret), caret: caret + piece.length }
  }
  const before = text.slice(0, opening.queryStart)
  const tail = /^[A-Za-z0-9_.[\]"'-]*/.exec(text.slice(caret))?.[0] ?? ''
  const after = text.slice(caret + tail.length)
  const gap = /(\{\{|\$\{)$/.test(before) && !opening.dollar ? ' ' : ''
  const close = opening.closed ? '' : opening.dollar ? '}' : ' }}'
  const closing = opening.closed && !opening.dollar && after.startsWith('}}') ? ' ' : ''
  const written = before + gap + path + closing
  // The caret lands behind the braces, so that plain text can go on.
  const inside = opening.closed ? after.indexOf(opening.dollar ? '}' : '}}') : -1
  const jump = opening.closed ? inside + (opening.dollar ? 1 : 2) : close.length
  return { text: written + close + after, caret: written.length + jump }
}
