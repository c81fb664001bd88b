/**
 * What a chart's specification may hold, as graphs/tables/chart_spec.py says it to the server;
 * tests/ui/test_canvas_chart_spec.py holds this list against that one.
 *
 * Anybody can put out a specification. Rows that the renderer makes up, transforms and expressions
 * would run in the reader's page, so they are refused by name before anything is drawn.
 */

/** The members of each part; a member after a colon is itself the part of that name. */
export const PARTS: Readonly<Record<string, readonly string[]>> = {
  Spec: [
    '$schema',
    'title',
    'description',
    'background',
    'width',
    'height',
    'autosize:Autosize',
    'data:Data',
    'mark:Mark',
    'encoding:Encoding',
    'config:Config',
  ],
  Data: ['values'],
  Mark: [
    'type',
    'cornerRadiusEnd',
    'strokeWidth',
    'point:Point',
    'opacity',
    'line',
    'filled',
    'size',
    'innerRadius',
    'outerRadius',
    'padAngle',
    'binSpacing',
    'color',
    'tooltip',
    'interpolate',
  ],
  Point: ['size', 'filled'],
  Encoding: [
    'x:Channel',
    'x2:Channel',
    'y:Channel',
    'y2:Channel',
    'theta:Channel',
    'color:Channel',
    'order:Channel',
    'size:Channel',
    'opacity:Channel',
    'shape:Channel',
    'tooltip:Channel',
  ],
  Channel: ['field', 'type', 'title', 'bin:Bin', 'aggregate', 'sort', 'stack', 'axis:ChannelAxis', 'scale:Scale'],
  Bin: ['binned', 'maxbins'],
  Scale: ['type', 'zero', 'nice'],
  ChannelAxis: ['labelAngle', 'title', 'grid'],
  Autosize: ['type', 'contains'],
  Config: ['range:Range', 'mark:MarkStyle', 'view:View', 'axis:Style', 'legend:Style', 'title:Style'],
  Range: ['category'],
  MarkStyle: ['color'],
  View: ['stroke'],
  Style: [
    'labelColor',
    'titleColor',
    'titleFontWeight',
    'gridColor',
    'domainColor',
    'tickColor',
    'color',
    'labelFontSize',
    'titleFontSize',
    'labelLimit',
    'labelOverlap',
  ],
}

export const MAX_ROWS = 10_000

const MAX_BINS = 100

export const MARKS = ['bar', 'line', 'area', 'point', 'circle', 'square', 'arc', 'tick', 'rule']

/** Throws an Error that names the first member which charts here do not have. */
export function checkSpec(spec: Record<string, unknown>): void {
  check(spec, 'Spec', 'spec')
  const { mark } = spec
  const type: unknown = typeof mark === 'object' && mark !== null ? Reflect.get(mark, 'type') : mark
  if (!MARKS.includes(type as string)) throw refused('spec.mark', 'is none that charts here have')
  const { values } = (spec.data ?? {}) as { values?: unknown }
  if (!Array.isArray(values)) throw refused('spec.data.values', 'is no list of rows')
  if (values.length > MAX_ROWS) throw refused('spec.data.values', `has over ${String(MAX_ROWS)} rows`)
}

function check(value: unknown, part: string, where: string): void {
  if (Array.isArray(value)) {
    value.forEach((each, at) => {
      check(each, part, `${where}[${String(at)}]`)
    })
    return
  }
  if (typeof value !== 'object' || value === null) return
  const members = new Map<string, string>()
  for (const each of PARTS[part] ?? []) {
    const [name = '', inner = ''] = each.split(':')
    members.set(name, inner)
  }
  for (const [name, below] of Object.entries(value)) {
    const inner = members.get(name)
    if (inner === undefined) throw refused(`${where}.${name}`, 'is not part of a chart here')
    if (inner !== '') check(below, inner, `${where}.${name}`)
    else if (isExpression(below)) throw refused(`${where}.${name}`, 'is no plain value')
    if (name === 'maxbins' && !(Number(below) >= 1 && Number(below) <= MAX_BINS))
      throw refused(`${where}.maxbins`, `is not between 1 and ${String(MAX_BINS)}`)
  }
}

/** `{"expr": …}` and `{"signal": …}` stand for any plain value in Vega-Lite; lists and rows do not. */
function isExpression(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(where: string, why: string): Error {
  return new Error(`the chart's specification is refused: ${where} ${why}`)
}
