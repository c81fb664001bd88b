/** A few words about a value, short enough for a node's card. */
import { isMembers, isNumber } from '../json'
import { richSummary } from '../panels/data/references'
import { bytes } from '../surface/status'

/** `12 rows × 3 cols`, `"Hello Oslo"`, `{3 fields}`, `2.3 MB of JSON`. */
export function summarise(value: unknown): string {
  if (value === null || value === undefined) return 'no data'
  if (typeof value === 'string') {
    const line = value.slice(0, 60).replace(/\s+/g, ' ').trim()
    return value.length > 40 ? `"${line.slice(0, 39)}…"` : `"${line}"`
  }
  if (typeof value !== 'object' || isNumber(value)) return String(value)
  if (Array.isArray(value)) return summariseList(value)
  const rich = richSummary(value, bytes)
  if (rich !== null) return rich
  const keys = Object.keys(value)
  const [only] = keys
  if (keys.length === 0) return 'empty object'
  const told = (value as Record<string, unknown>)['text']
  if (keys.length > 1 && typeof told === 'string' && told !== '') return summarise(told)
  if (keys.length === 1 && only !== undefined) {
    const member = (value as Record<string, unknown>)[only]
    return `${only}: ${summarise(member)}`.slice(0, 60)
  }
  return `{${String(keys.length)} fields}`
}

function summariseList(list: readonly unknown[]): string {
  if (list.length === 0) return 'empty list'
  const rows = list.length === 1 ? '1 row' : `${list.length.toLocaleString('en')} rows`
  const [first] = list
  if (isMembers(first))
    return `${rows} × ${String(Object.keys(first).length)} cols`
  return list.length === 1 ? '1 item' : `${list.length.toLocaleString('en')} items`
}
