/** Recognises what stands for data that is shown in its own way: artifacts and charts. */
import { same } from '../../edit/same'
import { isMembers } from '../../json'
import { plural } from '../../plural'

export type ArtifactKind = 'table' | 'json' | 'file'

/** A reference as graphs/artifacts.py writes it. */
export interface ArtifactRef {
  readonly id: string
  readonly kind: ArtifactKind
  readonly media_type: string
  readonly size_bytes: number
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly row_count: number | null
  readonly preview: unknown
}

export interface ChartRef {
  readonly title: string
  readonly spec: Readonly<Record<string, unknown>>
}

export type Rich =
  | { readonly as: 'artifact'; readonly artifact: ArtifactRef }
  | { readonly as: 'chart'; readonly chart: ChartRef }

const KINDS: ReadonlySet<unknown> = new Set(['table', 'json', 'file'])

type Members = Readonly<Record<string, unknown>>

function membersOf(value: unknown): Members | null {
  return isMembers(value) ? value : null
}

export function artifactOf(value: unknown): ArtifactRef | null {
  const members = membersOf(value)
  if (members === null) return null
  const { $artifact: id, kind } = members
  if (typeof id !== 'string' || !KINDS.has(kind)) return null
  const columns = members['columns']
  return {
    id,
    kind: kind as ArtifactKind,
    media_type: String(members['media_type'] ?? ''),
    size_bytes: Number(members['size_bytes'] ?? 0),
    name: String(members['name'] ?? ''),
    columns: Array.isArray(columns) ? (columns as ArtifactRef['columns']) : [],
    row_count: typeof members['row_count'] === 'number' ? members['row_count'] : null,
    preview: members['preview'] ?? null,
  }
}

/** Whether an edit changed what a reference says of its data: a run would not see it. */
export function editedReference(before: unknown, after: unknown): boolean {
  const known = new Map<string, unknown>()
  const visit = (value: unknown, take: (id: string, at: unknown) => boolean): boolean => {
    if (Array.isArray(value)) return value.some((item) => visit(item, take))
    const members = membersOf(value)
    if (members === null) return false
    const id = members['$artifact']
    if (typeof id === 'string') return take(id, members)
    return Object.values(members).some((item) => visit(item, take))
  }
  visit(before, (id, at) => (known.set(id, at), false))
  return visit(after, (id, at) => known.has(id) && !same(known.get(id), at))
}

export const EDITED_REFERENCE =
  'This is a preview of a table or file that is kept elsewhere: an edit here would not change it. Replace the whole of it, for instance by a list of objects.'

export function chartOf(value: unknown): ChartRef | null {
  const members = membersOf(value)
  if (members?.['$chart'] !== 'vega-lite') return null
  const spec = membersOf(members['spec'])
  return spec === null ? null : { title: String(members['title'] ?? ''), spec }
}

export function richOf(value: unknown): Rich | null {
  const artifact = artifactOf(value)
  if (artifact !== null) return { as: 'artifact', artifact }
  const chart = chartOf(value)
  return chart === null ? null : { as: 'chart', chart }
}

export interface Part {
  readonly key: string
  readonly value: unknown
}

/** An object with charts or artifacts among its members: each of those, then all the rest. */
export function partsOf(value: unknown): { rich: readonly Part[]; rest: Members | null } | null {
  const members = membersOf(value)
  if (members === null || richOf(members) !== null) return null
  const parts = Object.entries(members).map(([key, member]) => ({ key, value: member }))
  const rich = parts.filter((part) => richOf(part.value) !== null)
  if (rich.length === 0) return null
  const rest = parts.filter((part) => richOf(part.value) === null)
  return {
    rich,
    rest: rest.length === 0 ? null : Object.fromEntries(rest.map(({ key, value }) => [key, value])),
  }
}

/** `1,000,000 rows`, `1 row`. */
export function rowsText(count: number): string {
  return count === 1 ? '1 row' : `${count.toLocaleString('en')} rows`
}

/** A few words for a card: `1,000,000 rows × 5 cols`, `2.3 MB of JSON`, `Chart: Sales`. */
export function richSummary(value: unknown, bytes: (size: number) => string): string | null {
  const rich = richOf(value)
  if (rich === null) return null
  if (rich.as === 'chart') return rich.chart.title === '' ? 'Chart' : `Chart: ${rich.chart.title}`
  const { kind, row_count: rows, columns, size_bytes: size, name } = rich.artifact
  if (kind === 'table' && rows !== null) {
    const cols = columns.length === 0 ? '' : ` × ${plural(columns.length, 'col')}`
    return `${rowsText(rows)}${cols}`
  }
  if (kind === 'json') return `${bytes(size)} of JSON`
  return name === '' ? bytes(size) : `${name} · ${bytes(size)}`
}
