import { describe, expect, it } from 'vitest'
import { summarise } from '../../run/summary'
import { artifactOf, chartOf, partsOf, richOf, editedReference } from './references'

const table = {
  $artifact: 'a1',
  kind: 'table',
  media_type: 'application/vnd.apache.parquet',
  size_bytes: 2048,
  columns: [
    { name: 'city', type: 'VARCHAR' },
    { name: 'n', type: 'BIGINT' },
  ],
  row_count: 1_000_000,
  preview: [{ city: 'Oslo', n: 1 }],
}
const chart = { $chart: 'vega-lite', title: 'Sales', spec: { mark: 'bar' } }

describe('references', () => {
  it('are told from what only looks like them', () => {
    expect(artifactOf(table)).toMatchObject({ id: 'a1', kind: 'table', row_count: 1_000_000 })
    expect(chartOf(chart)?.title).toBe('Sales')
    for (const value of [
      null,
      'a1',
      [table],
      { $artifact: 1, kind: 'table' },
      { $artifact: 'a', kind: 'picture' },
      { $chart: 'plotly', spec: {} },
      { $chart: 'vega-lite', spec: [] },
    ])
      expect(richOf(value)).toBeNull()
  })

  it('among the members of an object are shown one by one', () => {
    const parts = partsOf({ rows: table, plot: chart, note: 'ok' })
    expect(parts?.rich.map((part) => part.key)).toEqual(['rows', 'plot'])
    expect(parts?.rest).toEqual({ note: 'ok' })
    expect(partsOf({ rows: table })?.rest).toBeNull()
    expect(partsOf({ note: 'ok' })).toBeNull()
    expect(partsOf(table)).toBeNull()
  })

  it('are summed up on the card', () => {
    expect(summarise(table)).toBe('1,000,000 rows × 2 cols')
    expect(summarise({ ...table, columns: [], row_count: 1 })).toBe('1 row')
    expect(summarise(chart)).toBe('Chart: Sales')
    expect(summarise({ $artifact: 'b', kind: 'json', size_bytes: 2_400_000 })).toBe(
      '2.3 MB of JSON',
    )
    expect(summarise({ $artifact: 'b', kind: 'file', name: 'a.xlsx', size_bytes: 10 })).toBe(
      'a.xlsx · 10 B',
    )
    expect(summarise({ rows: table })).toBe('rows: 1,000,000 rows × 2 cols')
  })
})

it('an edited preview is told from a replaced table', () => {
  const table = { $artifact: 'a', kind: 'table', preview: [{ x: 630.5 }] }
  expect(editedReference(table, { ...table })).toBe(false)
  expect(editedReference({ t: table }, { t: { ...table, preview: [{ x: 9999 }] } })).toBe(true)
  expect(editedReference(table, [{ x: 9999 }])).toBe(false)
  expect(editedReference(table, { $artifact: 'b', kind: 'table' })).toBe(false)
})
