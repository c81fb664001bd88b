/** Draws Vega-Lite specs without `eval` and without the network; loaded when a chart is shown. */
import * as encoders from 'vega-encode'
import { transforms } from 'vega-dataflow'
import { expressionInterpreter } from 'vega-interpreter'
import { compile, type TopLevelSpec } from 'vega-lite'
import { parse } from 'vega-parser'
import * as basics from 'vega-transforms'
import { withPlainNumbers } from '../../json'
import { View, type Loader, type TooltipHandler } from 'vega-view'
import * as layouts from 'vega-view-transforms'

// Only what Vega-Lite's plain charts are made of; maps, forces and trees stay out of the bundle.
Object.assign(transforms, basics, layouts, encoders)

function refuse(): Promise<never> {
  return Promise.reject(new Error('A chart loads nothing: its data must be in its spec.'))
}

const NOTHING: Loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse }

function viewOf(spec: Record<string, unknown>, tooltip?: TooltipHandler): View {
  const { spec: full } = compile(withPlainNumbers(spec) as unknown as TopLevelSpec, { logger: SILENT })
  const runtime = parse(full, undefined, { ast: true })
  return new View(runtime, {
    expr: expressionInterpreter,
    loader: NOTHING,
    logger: SILENT,
    renderer: 'svg',
    hover: true,
    ...(tooltip ? { tooltip } : {}),
  })
}

/** Warnings are for whoever writes specs; a reader of the page cannot act on them. */
const SILENT = {
  level: () => SILENT,
  error: (...problems: unknown[]) => {
    const [first] = problems
    throw first instanceof Error ? first : new Error(String(first))
  },
  warn: () => SILENT,
  info: () => SILENT,
  debug: () => SILENT,
} as never

export interface Plot {
  resize(width: number, height: number): Promise<void>
  stop(): void
}

/** Draws into an element, replacing what was there. */
export async function draw(
  element: HTMLElement,
  spec: Record<string, unknown>,
  tell: (at: { x: number; y: number } | null, lines: readonly (readonly [string, string])[]) => void,
): Promise<Plot> {
  const view = viewOf(spec, (_handler, event, _item, value) => {
    if (value === null || value === undefined || value === '') tell(null, [])
    else tell({ x: event.clientX, y: event.clientY }, linesOf(value))
  })
  view.initialize(element)
  await view.runAsync()
  return {
    async resize(width, height) {
      await view.width(width).height(height).runAsync()
    },
    stop: () => view.finalize(),
  }
}

function linesOf(value: unknown): (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null) return [['', String(value)]]
  return Object.entries(value).map(([key, entry]) => [key, String(entry)] as const)
}

export async function toSvg(spec: Record<string, unknown>): Promise<string> {
  const view = viewOf(spec)
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** A PNG of twice the chart's size, for sharp screens and for print. */
export async function toPng(spec: Record<string, unknown>): Promise<Blob> {
  const view = viewOf(spec)
  try {
    const canvas = await view.toCanvas(2)
    return await new Promise((resolve, reject) =>
      canvas.toBlob(
        (blob) => (blob ? resolve(blob) : reject(new Error('The picture cannot be made.'))),
        'image/png',
      ),
    )
  } finally {
    view.finalize()
  }
}
