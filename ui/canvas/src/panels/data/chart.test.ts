import { describe, expect, it } from 'vitest'
import {
  describeChart,
  dressed,
  fileName,
  kindOfChart,
  PAPER,
  rowsOfChart,
  tableOfChart,
} from './chart'
import { toSvg } from './plot'
import { chartOf } from './references'

const values = [
  { region: 'North', total: 12 },
  { region: 'South', total: 30 },
]

function chart(mark: string, encoding: object, data: object = { values }) {
  return chartOf({ $chart: 'vega-lite', title: 'Sales', spec: { data, mark, encoding } })!
}

const x = { field: 'region', type: 'nominal' }
const y = { field: 'total', type: 'quantitative' }
const bars = chart('bar', { x, y })
const size = { width: 400, height: 240 }

describe('a chart', () => {
  it('is described in words', () => {
    expect(describeChart(bars)).toBe('Bar chart: Sales. total by region, 2 rows.')
    expect(kindOfChart(chart('bar', { x: { ...x, bin: true } }))).toBe('Histogram')
    expect(kindOfChart(chart('arc', {}))).toBe('Pie chart')
    expect(rowsOfChart(bars)).toEqual(values)
    expect(fileName(bars, 'svg')).toBe('sales.svg')
  })

  it('shows its rows under the titles of their fields', () => {
    const plain = [{ x: 'North', x2: 1, y: 12 }]
    const encoding = {
      x: { field: 'x', title: 'From' },
      y: { field: 'y', title: 'Total' },
      tooltip: [{ field: 'x2', title: 'To' }, { field: 'x', title: 'To' }],
    }
    const titled = chart('bar', encoding, { values: plain })
    expect(tableOfChart(titled)).toEqual([{ From: 'North', To: 1, Total: 12 }])
  })

  it('keeps the colours that its maker gave to its marks', async () => {
    const own = chartOf({
      $chart: 'vega-lite',
      spec: { ...bars.spec, config: { mark: { color: '#0a0b0c' }, axis: { labelFontSize: 9 } } },
    })!
    const svg = await toSvg(dressed(own, PAPER, size))
    expect(svg).toContain('#0a0b0c')
    expect(svg).toContain('font-size="9px"')
  })

  it.each(['bar', 'line', 'area', 'point', 'arc'])('is drawn as %s without eval', async (mark) => {
    const encoding = mark === 'arc' ? { theta: y, color: x } : { x, y, color: x, tooltip: [x, y] }
    const real = globalThis.Function
    globalThis.Function = function () {
      throw new Error('eval')
    } as unknown as typeof Function
    try {
      const svg = await toSvg(dressed(chart(mark, encoding), PAPER, size))
      expect(svg).toContain('North')
      expect(svg).toContain('<path')
    } finally {
      globalThis.Function = real
    }
  })

  it('of a histogram bins its rows', async () => {
    const binned = chart('bar', { x: { field: 'total', bin: true }, y: { aggregate: 'count' } })
    expect(await toSvg(dressed(binned, PAPER, size))).toContain('Count of Records')
  })

  it('takes the colours and the size of its place', async () => {
    const svg = await toSvg(dressed(bars, { ...PAPER, series: ['#123456'] }, size))
    expect(svg).toContain('#123456')
    expect(svg).toContain('width="400"')
  })

  it.each([
    { url: 'https://elsewhere.example/rows.csv' },
    { url: '/api/v1/users' },
    { url: 'data:text/csv,a' },
  ])('loads nothing: %o', async (data) => {
    expect(() => dressed(chart('bar', { x, y }, data), PAPER, size)).toThrow('is refused: spec.')
  })

  it('loads no picture and follows no link', () => {
    const marks = chart('image', { x, y, url: { value: 'https://elsewhere.example/a.png' } })
    expect(() => dressed(marks, PAPER, size)).toThrow('is refused: spec.')
    const links = chart('bar', { x, y, href: { value: 'https://elsewhere.example' } })
    expect(() => dressed(links, PAPER, size)).toThrow('is refused: spec.')
  })
})
