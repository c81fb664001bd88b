/** Decides how a value is shown, and reads lists of objects as tables. */
import { compareNumbers, isMembers, isNumber, stringify } from '../../json'

export type View = 'table' | 'tree' | 'text'

export interface Column {
  readonly key: string
  readonly type: 'number' | 'text' | 'boolean' | 'object' | 'mixed'
}

export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** Enough rows to know the columns of a list; a list is expected to be alike throughout. */
const SAMPLE = 500
const MOST_COLUMNS = 200

/** A list of objects with at least one common member, else null. */
export function tableOf(value: unknown): Table | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const seen = new Map<string, { type: Column['type']; count: number }>()
  const sampled = Math.min(value.length, SAMPLE)
  for (let index = 0; index < sampled; index++) {
    const row: unknown = value[index]
    if (!isMembers(row)) return null
    for (const [key, cell] of Object.entries(row)) {
      const type = cellType(cell)
      const known = seen.get(key)
      if (known === undefined) {
        if (seen.size < MOST_COLUMNS) seen.set(key, { type: type ?? 'mixed', count: type ? 1 : 0 })
      } else if (type !== null) {
        if (known.count === 0) known.type = type
        else if (known.type !== type) known.type = 'mixed'
        known.count++
      }
    }
  }
  for (let index = sampled; index < value.length; index++) {
    const row: unknown = value[index]
    if (!isMembers(row)) return null
  }
  if (seen.size === 0) return null
  return {
    columns: [...seen].map(([key, { type }]) => ({ key, type })),
    rows: value as Record<string, unknown>[],
  }
}

function cellType(cell: unknown): Column['type'] | null {
  if (cell === null || cell === undefined) return null
  if (isNumber(cell)) return 'number'
  switch (typeof cell) {
    case 'boolean':
      return 'boolean'
    case 'string':
      return 'text'
    default:
      return 'object'
  }
}

/** Where a value's table is: itself, or the one list of objects among its members. */
export function findTable(value: unknown): { table: Table; at: string | null } | null {
  const own = tableOf(value)
  if (own !== null) return { table: own, at: null }
  if (!isMembers(value)) return null
  const entries = Object.entries(value)
  if (entries.length > 3) return null
  const found = entries
    .map(([key, member]) => ({ table: tableOf(member), at: key }))
    .filter((entry): entry is { table: Table; at: string } => entry.table !== null)
  const [only] = found
  return found.length === 1 && only !== undefined ? only : null
}

/** The view a value opens in. */
export function viewFor(value: unknown): View {
  if (typeof value === 'string') return 'text'
  return tableOf(value) === null ? 'tree' : 'table'
}

export interface Sort {
  readonly key: string
  readonly descending: boolean
}

/** The row numbers in the order to show: those that match, sorted. Empty cells come last. */
export function order(table: Table, query: string, sort: Sort | null): readonly number[] {
  const wanted = query.trim().toLowerCase()
  const numbers: number[] = []
  table.rows.forEach((row, index) => {
    if (wanted === '' || rowMatches(table, row, wanted)) numbers.push(index)
  })
  if (sort === null) return numbers
  const direction = sort.descending ? -1 : 1
  return numbers.sort((a, b) => {
    const left = table.rows[a]?.[sort.key]
    const right = table.rows[b]?.[sort.key]
    const leftEmpty = left === null || left === undefined
    const rightEmpty = right === null || right === undefined
    if (leftEmpty || rightEmpty) return leftEmpty === rightEmpty ? a - b : leftEmpty ? 1 : -1
    return compare(left, right) * direction || a - b
  })
}

function rowMatches(table: Table, row: Readonly<Record<string, unknown>>, wanted: string): boolean {
  return table.columns.some(({ key }) => cellText(row[key]).toLowerCase().includes(wanted))
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function compare(left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right)
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  return collator.compare(cellText(left), cellText(right))
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? stringify(value) : String(value)
}

/** RFC 4180, with a guard against cells that a spreadsheet would execute. */
export function toCsv(table: Table, rows: readonly number[]): string {
  const lines = [table.columns.map(({ key }) => csvCell(key)).join(',')]
  for (const index of rows) {
    const row = table.rows[index]
    lines.push(table.columns.map(({ key }) => csvCell(row?.[key])).join(','))
  }
  return `${lines.join('\r\n')}\r\n`
}

function csvCell(value: unknown): string {
  const text = cellText(value)
  const safe = typeof value === 'string' && /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe
}
