import { describe, expect, it } from 'vitest'
import { findTable, order, tableOf, toCsv, viewFor } from './tables'
import { searchTree, treeRows } from './tree'

const rows = [
  { name: 'b', n: 10, ok: true, note: null },
  { name: 'a', n: 9, extra: { x: 1 } },
  { name: null, n: 2 },
]

describe('table detection', () => {
  it('takes lists of objects and joins their columns', () => {
    expect(tableOf(rows)?.columns).toEqual([
      { key: 'name', type: 'text' },
      { key: 'n', type: 'number' },
      { key: 'ok', type: 'boolean' },
      { key: 'note', type: 'mixed' },
      { key: 'extra', type: 'object' },
    ])
  })

  it('refuses everything else', () => {
    for (const value of [[], [1], [{}, 1], [[1]], { a: 1 }, 'x', null, [{}]])
      expect(tableOf(value)).toBeNull()
  })

  it('looks behind the sample', () => {
    const long: unknown[] = Array.from({ length: 600 }, (_, n) => ({ n }))
    expect(tableOf(long)?.rows).toHaveLength(600)
    long.push('no row')
    expect(tableOf(long)).toBeNull()
  })

  it('finds the one table within a small object', () => {
    expect(findTable({ status: 200, body: rows })?.at).toBe('body')
    expect(findTable({ a: rows, b: rows })).toBeNull()
  })

  it('chooses the view', () => {
    expect([viewFor(rows), viewFor({ a: 1 }), viewFor('x')]).toEqual(['table', 'tree', 'text'])
  })
})

describe('order', () => {
  const table = tableOf(rows)!

  it('sorts numbers as numbers and empty cells last, either way', () => {
    expect(order(table, '', { key: 'n', descending: false })).toEqual([2, 1, 0])
    expect(order(table, '', { key: 'name', descending: false })).toEqual([1, 0, 2])
    expect(order(table, '', { key: 'name', descending: true })).toEqual([0, 1, 2])
  })

  it('keeps the rows that contain the text', () => {
    expect(order(table, '9', null)).toEqual([1])
  })

  it('sorts a hundred thousand rows', () => {
    const value = (n: number): number => (n * 7919) % 100_003
    const big = tableOf(Array.from({ length: 100_000 }, (_, n) => ({ n: value(n) })))!
    const sorted = order(big, '', { key: 'n', descending: false }).map(value)
    expect(sorted).toHaveLength(100_000)
    expect(sorted.every((n, at) => at === 0 || n > sorted[at - 1]!)).toBe(true)
  })
})

describe('CSV', () => {
  it('quotes, and disarms what a spreadsheet would execute', () => {
    const table = tableOf([
      { a: 'x,"y"', b: '=1+1' },
      { a: -5, b: null },
    ])!
    expect(toCsv(table, [0, 1])).toBe('a,b\r\n"x,""y""",\'=1+1\r\n-5,\r\n')
  })
})

describe('tree', () => {
  it('visits only what is open', () => {
    const value = { a: { b: 1 }, list: Array.from({ length: 250 }, (_, n) => n) }
    expect(treeRows(value, () => false)).toHaveLength(1)
    const open = treeRows(value, (path) => path === '' || path === 'list')
    expect(open.map((row) => row.path)).toEqual(['', 'a', 'list', 'list#0', 'list#100', 'list#200'])
    expect(open.at(-1)).toMatchObject({ label: '200 … 249', count: 50, range: true })
  })

  it('finds names and values with the parents to open', () => {
    const [hit] = searchTree({ a: [{ city: 'Oslo' }] }, 'oslo')
    expect(hit).toEqual({ path: 'a[0].city', parents: ['', 'a', 'a[0]'] })
  })
})
