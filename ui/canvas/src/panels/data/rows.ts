/** Pages through a table that the server keeps: sorts, searches, goes on by cursors. */
import { shallowRef, type ShallowRef } from 'vue'
import { ApiError, get } from '../../api'
import type { Head } from './DataGrid.vue'
import type { ArtifactRef } from './references'
import type { Sort } from './tables'

export type Row = Readonly<Record<string, unknown>>

/** GET /artifacts/{id}/rows. */
export interface RowsAnswer {
  readonly items: readonly (Row | readonly unknown[])[]
  readonly next_cursor: string | null
  readonly total: number | null
}

export interface RowPage {
  readonly rows: readonly Row[]
  /** The number of its first row, from 1. */
  readonly first: number
  readonly next: string | null
}

export const PAGE_ROWS = 100

type Load = (path: string, signal: AbortSignal) => Promise<RowsAnswer>

export class TablePages {
  readonly page: ShallowRef<RowPage>
  /** How many rows there are, those that the search leaves out not counted; null: unknown. */
  readonly total: ShallowRef<number | null>
  readonly sort = shallowRef<Sort | null>(null)
  readonly query = shallowRef('')
  readonly loading = shallowRef(false)
  /** Why the rows are not shown. */
  readonly failure = shallowRef<ApiError | null>(null)
  /** The server has the table no more: what is shown is the preview. */
  readonly gone = shallowRef(false)
  /** Cursors of the pages before this one; the first page has none. */
  private before: (string | null)[] = []
  private at: string | null = null
  private asked: AbortController | null = null

  constructor(
    private readonly artifact: ArtifactRef,
    private readonly load: Load = (path, signal) => get<RowsAnswer>(path, signal),
  ) {
    this.page = shallowRef({ rows: previewRows(artifact), first: 1, next: null })
    this.total = shallowRef(artifact.row_count)
  }

  get hasPrevious(): boolean {
    return this.before.length > 0
  }

  async start(): Promise<void> {
    await this.ask(null, [])
  }

  async sortBy(sort: Sort | null): Promise<void> {
    this.sort.value = sort
    await this.ask(null, [])
  }

  async search(query: string): Promise<void> {
    if (query.trim() === this.query.value) return
    this.query.value = query.trim()
    await this.ask(null, [])
  }

  async next(): Promise<void> {
    const { next } = this.page.value
    if (next !== null) await this.ask(next, [...this.before, this.at])
  }

  async previous(): Promise<void> {
    if (this.hasPrevious) await this.ask(this.before.at(-1) ?? null, this.before.slice(0, -1))
  }

  async again(): Promise<void> {
    await this.ask(this.at, this.before)
  }

  stop(): void {
    this.asked?.abort()
    this.asked = null
  }

  private async ask(cursor: string | null, before: (string | null)[]): Promise<void> {
    this.stop()
    const mine = new AbortController()
    this.asked = mine
    this.loading.value = true
    this.failure.value = null
    try {
      const answer = await this.load(this.path(cursor), mine.signal)
      if (this.asked !== mine) return
      this.at = cursor
      this.before = before
      this.total.value = answer.total ?? (this.query.value === '' ? this.artifact.row_count : null)
      this.page.value = {
        rows: answer.items.map((item) => rowOf(item, this.artifact)),
        first: before.length * PAGE_ROWS + 1,
        next: answer.next_cursor,
      }
    } catch (cause) {
      if (this.asked !== mine) return
      const error = asApiError(cause)
      this.gone.value = error.status === 404 || error.status === 410
      this.failure.value = error
    } finally {
      if (this.asked === mine) this.loading.value = false
    }
  }

  private path(cursor: string | null): string {
    const query = new URLSearchParams({ limit: String(PAGE_ROWS) })
    if (cursor !== null) query.set('cursor', cursor)
    const sort = this.sort.value
    if (sort !== null) query.set('sort', `${sort.descending ? '-' : ''}${sort.key}`)
    if (this.query.value !== '') query.set('search', this.query.value)
    return `/artifacts/${encodeURIComponent(this.artifact.id)}/rows?${query.toString()}`
  }
}

function rowOf(item: Row | readonly unknown[], artifact: ArtifactRef): Row {
  if (!Array.isArray(item)) return item as Row
  const cells = item as readonly unknown[]
  return Object.fromEntries(artifact.columns.map(({ name }, index) => [name, cells[index]]))
}

function previewRows(artifact: ArtifactRef): readonly Row[] {
  if (!Array.isArray(artifact.preview)) return []
  return (artifact.preview as (Row | readonly unknown[])[]).map((item) => rowOf(item, artifact))
}

/** The column heads with DuckDB's types, shortened where they are long. */
export function headsOf(artifact: ArtifactRef): readonly Head[] {
  return artifact.columns.map(({ name, type }) => ({
    key: name,
    type: setAs(type),
    mark: briefType(type),
    hint: type,
  }))
}

function setAs(type: string): Head['type'] {
  if (/\[\]$|^(STRUCT|MAP|UNION|JSON|LIST)/.test(type)) return 'object'
  if (/INT|DOUBLE|FLOAT|REAL|DECIMAL|NUMERIC/.test(type)) return 'number'
  return type === 'BOOLEAN' ? 'boolean' : 'text'
}

const SHORT: Readonly<Record<string, string>> = {
  VARCHAR: 'text',
  BIGINT: 'integer',
  INTEGER: 'integer',
  HUGEINT: 'integer',
  DOUBLE: 'number',
  FLOAT: 'number',
  BOOLEAN: 'yes/no',
  DATE: 'date',
  TIME: 'time',
  TIMESTAMP: 'time stamp',
  'TIMESTAMP WITH TIME ZONE': 'time stamp',
}

/** A column type of the database in a word or two. */
export function briefType(type: string): string {
  const short = SHORT[type] ?? type.toLowerCase()
  return short.length > 16 ? `${short.slice(0, 15)}…` : short
}

function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  return new ApiError(0, 'client', cause instanceof Error ? cause.message : String(cause))
}
