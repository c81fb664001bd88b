/** A table while a person edits it: which rows it is to have, and which cells are different. */
import { shallowRef } from 'vue'
import { ApiError, get, post } from '../../api'
import { isMembers } from '../../json'
import { artifactOf, type ArtifactRef } from './references'
import type { Row, RowsAnswer } from './rows'
import { cellText } from './tables'

/** As backend/artifacts/schemas.py has it. */
export const MOST_ROWS = 1000
const PAGE_ROWS = 200

export interface DraftRow {
  readonly key: number
  /** The row that it was, from 0; null for a new one. */
  readonly source: number | null
  /** What is different, by column; null for an empty cell. */
  readonly cells: Readonly<Record<string, string | null>>
}

export class TableDraft {
  readonly rows = shallowRef<readonly DraftRow[]>([])
  /** What the server said of a cell: by the row's key and the column's name. */
  readonly refused = shallowRef<ReadonlyMap<string, string>>(new Map())
  readonly state = shallowRef<'loading' | 'ready' | 'too_large' | 'gone'>('loading')
  readonly failure = shallowRef('')
  private serial = 0
  private before: readonly Row[] = []

  constructor(readonly artifact: ArtifactRef) {
    if ((artifact.row_count ?? 0) > MOST_ROWS) this.state.value = 'too_large'
  }

  async load(): Promise<void> {
    if (this.state.value !== 'loading') return
    const items: Row[] = []
    let cursor: string | null = null
    try {
      do {
        const query = new URLSearchParams({ limit: String(PAGE_ROWS) })
        if (cursor !== null) query.set('cursor', cursor)
        const id = encodeURIComponent(this.artifact.id)
        const page: RowsAnswer = await get<RowsAnswer>(`/artifacts/${id}/rows?${query.toString()}`)
        items.push(...(page.items as readonly Row[]))
        cursor = page.next_cursor
        if (items.length > MOST_ROWS) return void (this.state.value = 'too_large')
      } while (cursor !== null)
      this.begin(items)
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause
      this.state.value = 'gone'
      this.failure.value = cause.message
    }
  }

  begin(items: readonly Row[]): void {
    this.before = items
    this.rows.value = items.map((_, source) => ({ key: this.serial++, source, cells: {} }))
    this.refused.value = new Map()
    this.state.value = 'ready'
  }

  reset(): void {
    this.begin(this.before)
  }

  get edited(): boolean {
    const { value: rows } = this.rows
    return (
      this.state.value === 'ready' &&
      (rows.length !== this.before.length ||
        rows.some((row, at) => row.source !== at || Object.keys(row.cells).length > 0))
    )
  }

  text(row: DraftRow, column: string): string {
    if (Object.hasOwn(row.cells, column)) return row.cells[column] ?? ''
    return this.original(row, column)
  }

  isEdited(row: DraftRow, column: string): boolean {
    return Object.hasOwn(row.cells, column)
  }

  write(key: number, column: string, text: string): void {
    const type = this.artifact.columns.find(({ name }) => name === column)?.type
    this.rows.value = this.rows.value.map((row) => {
      if (row.key !== key) return row
      const { [column]: _, ...cells } = row.cells
      if (text === this.original(row, column)) return { ...row, cells }
      // An empty number, date or object is none at all; an empty text is a text.
      return { ...row, cells: { ...cells, [column]: text === '' && type !== 'VARCHAR' ? null : text } }
    })
    if (!this.refused.value.has(place(key, column))) return
    const left = new Map(this.refused.value)
    left.delete(place(key, column))
    this.refused.value = left
  }

  /** Returns the new row's place. */
  add(): number {
    this.rows.value = [...this.rows.value, { key: this.serial++, source: null, cells: {} }]
    return this.rows.value.length - 1
  }

  remove(key: number): void {
    this.rows.value = this.rows.value.filter((row) => row.key !== key)
  }

  /** The reference to the new table. Rejects with ApiError; what does not fit is in `refused`. */
  async save(): Promise<unknown> {
    const { value: rows } = this.rows
    const body = { rows: rows.map(({ source, cells }) => ({ source, cells })) }
    try {
      return await post(`/artifacts/${encodeURIComponent(this.artifact.id)}/edits`, body)
    } catch (cause) {
      if (cause instanceof ApiError) this.refused.value = refusedIn(cause, rows)
      throw cause
    }
  }

  /** The place of the first row with a cell that was refused; -1 without one. */
  firstRefused(): number {
    return this.rows.value.findIndex(({ key }) =>
      this.artifact.columns.some(({ name }) => this.refused.value.has(place(key, name))),
    )
  }

  private original(row: DraftRow, column: string): string {
    return row.source === null ? '' : cellText(this.before[row.source]?.[column])
  }
}

export function place(key: number, column: string): string {
  return `${String(key)}/${column}`
}

function refusedIn(cause: ApiError, rows: readonly DraftRow[]): ReadonlyMap<string, string> {
  const told = new Map<string, string>()
  for (const { pointer, detail } of cause.errors) {
    const [, at, name] = /^\/rows\/(\d+)\/cells\/(.*)$/.exec(pointer) ?? []
    const row = rows[Number(at)]
    if (row !== undefined && name !== undefined)
      told.set(place(row.key, name.replace(/~1/g, '/').replace(/~0/g, '~')), detail)
  }
  return told
}

export interface TableAt {
  /** The keys that lead to it. */
  readonly path: readonly string[]
  readonly artifact: ArtifactRef
}

const MOST_TABLES = 8

/** The tables in a value: itself, or members at any depth. */
export function tablesIn(value: unknown, path: readonly string[] = []): readonly TableAt[] {
  const artifact = artifactOf(value)
  if (artifact !== null) return artifact.kind === 'table' ? [{ path, artifact }] : []
  const parts = Array.isArray(value) || isMembers(value) ? Object.entries(value) : []
  return parts.flatMap(([key, part]) => tablesIn(part, [...path, key])).slice(0, MOST_TABLES)
}

export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    value,
  )
}

export function withValueAt(value: unknown, path: readonly string[], put: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return put
  if (Array.isArray(value))
    return (value as unknown[]).map((part, at) => (String(at) === key ? withValueAt(part, rest, put) : part))
  const members = value as Record<string, unknown>
  return { ...members, [key]: withValueAt(members[key], rest, put) }
}
