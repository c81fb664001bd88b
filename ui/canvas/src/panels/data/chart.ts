/** What is known of a Vega-Lite spec without drawing it: its kind, its rows, words for it. */
import { isMembers } from '../../json'
import { checkSpec } from './chartSpec'
import type { ChartRef } from './references'

type Members = Readonly<Record<string, unknown>>

function membersOf(value: unknown): Members | null {
  return isMembers(value) ? value : null
}

/** The rows that the spec holds; charts of the server always hold them inline. */
export function rowsOfChart(chart: ChartRef): readonly Members[] {
  const values = membersOf(chart.spec['data'])?.['values']
  return Array.isArray(values) ? values.filter((row): row is Members => membersOf(row) !== null) : []
}

/** The same under the titles that the chart gives its fields. */
export function tableOfChart(chart: ChartRef): readonly Members[] {
  const names = new Map<string, string>()
  const learn = (channel: unknown): void => {
    const { field, title } = membersOf(channel) ?? {}
    if (typeof field !== 'string' || typeof title !== 'string' || title === '') return
    if (!names.has(field) && ![...names.values()].includes(title)) names.set(field, title)
  }
  const channels = membersOf(chart.spec['encoding']) ?? {}
  const tooltip = channels['tooltip']
  if (Array.isArray(tooltip)) tooltip.forEach(learn)
  Object.values(channels).forEach(learn)
  return rowsOfChart(chart).map((row) =>
    Object.fromEntries(Object.entries(row).map(([field, cell]) => [names.get(field) ?? field, cell])),
  )
}

const MARKS: Readonly<Record<string, string>> = {
  arc: 'Pie chart',
  area: 'Area chart',
  bar: 'Bar chart',
  line: 'Line chart',
  point: 'Scatter plot',
  circle: 'Scatter plot',
}

export function kindOfChart(chart: ChartRef): string {
  const mark = chart.spec['mark']
  const name = typeof mark === 'string' ? mark : String(membersOf(mark)?.['type'] ?? '')
  const x = membersOf(membersOf(chart.spec['encoding'])?.['x'])
  if (name === 'bar' && x?.['bin']) return 'Histogram'
  return MARKS[name] ?? 'Chart'
}

function channel(chart: ChartRef, name: string): string {
  const about = membersOf(membersOf(chart.spec['encoding'])?.[name])
  if (about === null) return ''
  const title = about['title']
  if (typeof title === 'string' && title !== '') return title
  const field = typeof about['field'] === 'string' ? about['field'] : ''
  const aggregate = typeof about['aggregate'] === 'string' ? about['aggregate'] : ''
  return [aggregate, field].filter(Boolean).join(' of ')
}

/** `Bar chart: Sales. sum of total by region, 12 rows.` */
export function describeChart(chart: ChartRef): string {
  const what = channel(chart, 'y') || channel(chart, 'theta')
  const by = channel(chart, 'x') || channel(chart, 'color')
  const count = rowsOfChart(chart).length
  const axes = what !== '' && by !== '' ? `${what} by ${by}, ` : ''
  const rows = count === 1 ? '1 row' : `${count.toLocaleString('en')} rows`
  const title = chart.title === '' ? '' : `: ${chart.title}`
  return `${kindOfChart(chart)}${title}. ${axes}${rows}.`
}

/** The colours that a chart takes from the page. */
export interface Palette {
  readonly text: string
  readonly muted: string
  readonly border: string
  readonly background: string
  readonly series: readonly string[]
}

const LIGHT: Palette = {
  text: '#161a22',
  muted: '#5a6474',
  border: '#dde2ea',
  background: '#ffffff',
  // Told apart by most people with a colour vision deficiency, and by lightness.
  series: ['#2f6fc2', '#e07b1a', '#1c7f6e', '#b4368f', '#7446c9', '#8a6d00', '#c2272d', '#5a6474'],
}

/** What a saved picture looks like, whatever the page's theme is. */
export const PAPER = LIGHT

const DARK_SERIES = [
  '#6ea5f5',
  '#f5a04b',
  '#4ccbb4',
  '#ee8fcb',
  '#b897ff',
  '#d9bf52',
  '#ff8480',
  '#a3acba',
]

/** The theme's colours where an element stands. */
export function paletteAt(element: Element): Palette {
  const style = getComputedStyle(element)
  const read = (name: string, otherwise: string): string =>
    style.getPropertyValue(name).trim() || otherwise
  const dark = style.colorScheme === 'dark' || document.body.classList.contains('body--dark')
  return {
    text: read('--wf-text', LIGHT.text),
    muted: read('--wf-muted', LIGHT.muted),
    border: read('--wf-border', LIGHT.border),
    background: read('--wf-card', LIGHT.background),
    series: dark ? DARK_SERIES : LIGHT.series,
  }
}

/** The spec with the page's size and colours in place of its own. Throws for one with more in it. */
export function dressed(
  chart: ChartRef,
  palette: Palette,
  size: { width: number; height: number },
): Record<string, unknown> {
  checkSpec(chart.spec)
  const { config: own, $schema: _schema, usermeta: _meta, ...spec } = chart.spec
  const { axis: axes, legend, title, range, mark, ...rest } = membersOf(own) ?? {}
  const axis = {
    ...membersOf(axes),
    domainColor: palette.muted,
    gridColor: palette.border,
    labelColor: palette.muted,
    tickColor: palette.muted,
    titleColor: palette.text,
    titleFontWeight: 500,
    labelOverlap: 'greedy',
  }
  return {
    ...spec,
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: describeChart(chart),
    background: palette.background,
    width: size.width,
    height: size.height,
    autosize: { type: 'fit', contains: 'padding' },
    config: {
      ...rest,
      font: 'Roboto, system-ui, sans-serif',
      axis,
      legend: {
        ...membersOf(legend),
        labelColor: palette.muted,
        titleColor: palette.text,
        titleFontWeight: 500,
      },
      title: {
        ...membersOf(title),
        color: palette.text,
        fontSize: 14,
        fontWeight: 600,
        anchor: 'start',
        offset: 12,
      },
      view: { stroke: null },
      mark: { color: palette.series[0], ...membersOf(mark) },
      range: { category: palette.series, ...membersOf(range) },
    },
  }
}

/** A name for the saved file, such as `sales-by-region.svg`. */
export function fileName(chart: ChartRef, ending: string): string {
  const base = chart.title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60)
  return `${base === '' ? 'chart' : base}.${ending}`
}
