import { expect, it } from 'vitest'
import { plural } from './plural'
import { summarise } from './run/summary'
import { richSummary } from './panels/data/references'
import { bytes } from './surface/status'

it('counts one and many', () => {
  expect(plural(1, 'problem')).toBe('1 problem')
  expect(plural(0, 'problem')).toBe('0 problems')
  expect(plural(1204, 'entry', 'entries')).toBe('1,204 entries')
})

it('counts on cards', () => {
  const table = { $artifact: 'a', kind: 'table', row_count: 1, columns: [{ name: 'x', type: 'text' }] }
  expect(richSummary({ ...table, size_bytes: 5, name: '' }, bytes)).toBe('1 row × 1 col')
  expect(summarise([{ a: 1 }])).toContain('1 ')
  expect(summarise([{ a: 1 }])).not.toMatch(/\b1 (rows|entries|items|fields)/)
})
