/** The columns of the tables that lead to a step, as far as the run at hand shows them. */
import { isMembers } from '../json'
import type { Root } from './expressions'

/** Rows of a list that are looked at: later ones rarely have other fields. */
const LOOKED_AT = 50

/** Of what arrives; when that is no table, of every step before. */
export function columnNames(roots: readonly Root[]): readonly string[] {
  const arriving = roots.find((root) => root.name === 'prev')
  const near = arriving?.known ? columnsOf(arriving.value) : []
  if (near.length > 0) return near
  const names = new Set<string>()
  for (const root of roots)
    if (root.known && root.name.startsWith('steps'))
      for (const name of columnsOf(root.value)) names.add(name)
  return [...names]
}

/** Of a table by reference, of a list of objects, or of several of these by name. */
export function columnsOf(value: unknown, depth = 0): readonly string[] {
  if (Array.isArray(value)) return keysOf(value)
  if (!isMembers(value)) return []
  const table = value
  if ('$artifact' in table)
    return Array.isArray(table['columns']) ? table['columns'].flatMap(nameOf) : []
  if (depth > 0) return []
  const names = Object.values(table).flatMap((member) => columnsOf(member, depth + 1))
  return [...new Set(names)]
}

function keysOf(rows: readonly unknown[]): readonly string[] {
  const names = new Set<string>()
  for (const row of rows.slice(0, LOOKED_AT))
    if (isMembers(row))
      for (const key of Object.keys(row)) names.add(key)
  return [...names]
}

function nameOf(column: unknown): string[] {
  const name: unknown =
    typeof column === 'object' && column !== null ? (column as { name?: unknown }).name : column
  return typeof name === 'string' ? [name] : []
}
