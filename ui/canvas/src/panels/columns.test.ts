import { expect, it } from 'vitest'
import { columnNames, columnsOf } from './columns'
import type { Root } from './expressions'

const TABLE = {
  $artifact: 'a',
  kind: 'table',
  columns: [
    { name: 'city', type: 'VARCHAR' },
    { name: 'sales', type: 'BIGINT' },
  ],
  preview: [{ city: 'Oslo' }],
}

function root(name: string, value: unknown, known = true): Root {
  return { name, label: name, group: '', icon: '', value, known }
}

it('reads the columns of references, of rows, and of several tables', () => {
  expect(columnsOf(TABLE)).toEqual(['city', 'sales'])
  expect(columnsOf([{ a: 1 }, { a: 2, b: 3 }])).toEqual(['a', 'b'])
  expect(columnsOf({ left: TABLE, right: [{ id: 1 }] })).toEqual(['city', 'sales', 'id'])
  expect(columnsOf('text')).toEqual([])
  expect(columnsOf([1, 2])).toEqual([])
})

it('prefers what arrives, else offers what any step before put out', () => {
  const roots = [root('prev', TABLE), root('steps.read', [{ other: 1 }])]
  expect(columnNames(roots)).toEqual(['city', 'sales'])
  expect(columnNames([root('prev', null, false), ...roots.slice(1)])).toEqual(['other'])
  expect(columnNames([])).toEqual([])
})
