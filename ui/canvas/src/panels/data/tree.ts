/** A JSON value as the visible rows of a collapsible tree; only what is open is ever visited. */
import { isMembers } from '../../json'
import { join } from '../expressions'

export interface TreeRow {
  /** A path from the root, such as `rows[0].city`; the root itself is "". */
  readonly path: string
  readonly depth: number
  readonly label: string
  readonly value: unknown
  /** Members, or null for a leaf. */
  readonly count: number | null
  readonly open: boolean
  /** A stretch of a long list or object, or the remark that members were left out. */
  readonly range: boolean
}

const STRETCH = 100
const MOST_ROWS = 5000

/** Rows in drawing order. Lists of over 100 entries are cut into stretches that open on their own. */
export function treeRows(
  value: unknown,
  isOpen: (path: string, depth: number) => boolean,
): TreeRow[] {
  const rows: TreeRow[] = []
  visit(rows, value, '', '', 0, isOpen)
  return rows
}

function visit(
  rows: TreeRow[],
  value: unknown,
  path: string,
  label: string,
  depth: number,
  isOpen: (path: string, depth: number) => boolean,
): void {
  if (rows.length >= MOST_ROWS) return
  const entries = entriesOf(value)
  const open = entries !== null && entries.length > 0 && isOpen(path, depth)
  rows.push({ path, depth, label, value, count: entries?.length ?? null, open, range: false })
  if (!open || entries === null) return
  if (entries.length <= STRETCH) {
    for (const [key, member] of entries)
      visit(rows, member, extend(path, key), String(key), depth + 1, isOpen)
    return
  }
  for (let from = 0; from < entries.length; from += STRETCH) {
    const stretch = entries.slice(from, from + STRETCH)
    const mark = `${path}#${String(from)}`
    const stretchOpen = isOpen(mark, depth + 1)
    rows.push({
      path: mark,
      depth: depth + 1,
      label: `${String(from)} … ${String(from + stretch.length - 1)}`,
      value: undefined,
      count: stretch.length,
      open: stretchOpen,
      range: true,
    })
    if (stretchOpen)
      for (const [key, member] of stretch)
        visit(rows, member, extend(path, key), String(key), depth + 2, isOpen)
  }
}

function extend(path: string, key: string | number): string {
  return path === '' && typeof key === 'string' && /^[A-Za-z_]\w*$/.test(key)
    ? key
    : join(path, key)
}

function entriesOf(value: unknown): [string | number, unknown][] | null {
  if (Array.isArray(value)) return value.map((entry, index) => [index, entry])
  return isMembers(value) ? Object.entries(value) : null
  return null
}

export interface Hit {
  readonly path: string
  /** The paths to open so that the hit is seen. */
  readonly parents: readonly string[]
}

/** Members whose name or value contains the text, at most `limit`, found within a step budget. */
export function searchTree(value: unknown, query: string, limit = 200): readonly Hit[] {
  const wanted = query.trim().toLowerCase()
  if (wanted === '') return []
  const hits: Hit[] = []
  let budget = 200_000
  const walk = (at: unknown, path: string, label: string, parents: readonly string[]): void => {
    if (hits.length >= limit || budget-- <= 0) return
    const entries = entriesOf(at)
    const matches =
      label.toLowerCase().includes(wanted) ||
      (entries === null && String(at).toLowerCase().includes(wanted))
    if (matches) hits.push({ path, parents })
    if (entries === null) return
    entries.forEach(([key, member], index) => {
      const stretch =
        entries.length > STRETCH ? [`${path}#${String(Math.floor(index / STRETCH) * STRETCH)}`] : []
      walk(member, extend(path, key), String(key), [...parents, path, ...stretch])
    })
  }
  walk(value, '', '', [])
  return hits
}
