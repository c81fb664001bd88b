/** The drawing as its overview shows it: one outline for all parts that look alike. */
import type { Position } from '../seam'
import type { Rect } from '../document/geometry'
import { cornersOf, type FlowNode } from './flow'

/** SVG path data by look; `moved` has the places of parts that are being dragged. */
export function outlines(
  nodes: readonly FlowNode[],
  lookOf: (node: FlowNode) => string,
  moved?: ReadonlyMap<string, Position>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string[]>()
  const corners = cornersOf(nodes, moved)
  for (const node of nodes) {
    const { x, y } = corners.get(node.id)!
    const { width, height } = node.dimensions
    const box = `M${x} ${y}h${width}v${height}h${-width}z`
    const look = lookOf(node)
    const known = found.get(look)
    if (known) known.push(box)
    else found.set(look, [box])
  }
  return new Map([...found].map(([look, boxes]) => [look, boxes.join('')]))
}

/** What the overview shows: the drawing and the part in view, in the shape of the overview. */
export function frame(bounds: Rect, view: Rect, shape: { width: number; height: number }): Rect {
  const left = Math.min(bounds.x, view.x)
  const top = Math.min(bounds.y, view.y)
  const across = Math.max(bounds.x + bounds.width, view.x + view.width) - left
  const down = Math.max(bounds.y + bounds.height, view.y + view.height) - top
  const scale = Math.max(across / shape.width, down / shape.height)
  const margin = MARGIN * scale
  const width = shape.width * scale + 2 * margin
  const height = shape.height * scale + 2 * margin
  return { x: left - (width - across) / 2, y: top - (height - down) / 2, width, height }
}

/** Around the drawing, in pixels of the overview. */
const MARGIN = 4

/** Everything but the part in view. */
export function mask(whole: Rect, view: Rect): string {
  return [whole, view]
    .map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`)
    .join('')
}
