/** The parts of Vega that carry no types of their own; the shapes are those of `vega-typings`. */
declare module 'vega-view' {
  export { type Loader, type TooltipHandler, View } from 'vega-typings'
}

declare module 'vega-parser' {
  export { parse } from 'vega-typings'
}

declare module 'vega-dataflow' {
  export const transforms: Record<string, unknown>
}

declare module 'vega-transforms'
declare module 'vega-view-transforms'
declare module 'vega-encode'
