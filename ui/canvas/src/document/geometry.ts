/** Fixed sizes of what is drawn, so that nothing need be measured before it is shown. */
import type { Node, NodeType, Position, Size } from '../seam'
import { inputPorts, outputPorts } from './ports'

export const GRID = 16
export const CARD_WIDTH = 224
export const HEADER = 52
export const PORT_ROW = 20
export const PORTS_PAD = 6
export const FOOTER = 32
/** Cards of model nodes show the last lines of what is being written. */
export const STREAM_FOOTER = 64
export const HANDLE = 12
export const CONTAINER_HEADER = 48
export const CONTAINER_FOOTER = 30
export const CONTAINER_SIZE: Size = Object.freeze({ width: 544, height: 272 })
export const CONTAINER_MIN: Size = Object.freeze({ width: 288, height: 208 })
export const NOTE_MIN: Size = Object.freeze({ width: 128, height: 64 })

export interface HandleBox {
  readonly port: string
  readonly x: number
  readonly y: number
}

export interface Geometry {
  readonly size: Size
  readonly inputs: readonly HandleBox[]
  readonly outputs: readonly HandleBox[]
}

export function isContainer(node: Node, type: NodeType | undefined): boolean {
  return type?.container ?? (node.body !== undefined && node.body !== null)
}

export function streams(type: NodeType | undefined): boolean {
  return type?.category === 'ai'
}

export function sizeOf(node: Node, type: NodeType | undefined): Size {
  if (isContainer(node, type)) return node.size ?? CONTAINER_SIZE
  const rows = Math.max(1, inputPorts(type).length, outputPorts(node, type).length)
  const footer = streams(type) ? STREAM_FOOTER : FOOTER
  return { width: CARD_WIDTH, height: HEADER + 2 * PORTS_PAD + rows * PORT_ROW + footer }
}

export function geometryOf(node: Node, type: NodeType | undefined): Geometry {
  const size = sizeOf(node, type)
  const top = isContainer(node, type) ? CONTAINER_HEADER + PORTS_PAD : HEADER + PORTS_PAD
  const box = (port: string, row: number, x: number): HandleBox => ({
    port,
    x: x - HANDLE / 2,
    y: top + row * PORT_ROW + PORT_ROW / 2 - HANDLE / 2,
  })
  return {
    size,
    inputs: inputPorts(type).map((port, row) => box(port.name, row, 0)),
    outputs: outputPorts(node, type).map((port, row) => box(port.name, row, size.width)),
  }
}

export function snap(value: number): number {
  return Math.round(value / GRID) * GRID
}

export function snapped({ x, y }: Position): Position {
  return { x: snap(x), y: snap(y) }
}

export interface Rect extends Position, Size {}

export function contains(outer: Rect, point: Position): boolean {
  return (
    point.x >= outer.x &&
    point.x <= outer.x + outer.width &&
    point.y >= outer.y &&
    point.y <= outer.y + outer.height
  )
}

export function overlaps(a: Rect, b: Rect, gap = 0): boolean {
  return (
    a.x < b.x + b.width + gap &&
    b.x < a.x + a.width + gap &&
    a.y < b.y + b.height + gap &&
    b.y < a.y + a.height + gap
  )
}

/** The nearest spot at or below `wanted` where a box of this size covers none of `taken`. */
export function freeSpot(wanted: Position, size: Size, taken: readonly Rect[]): Position {
  let { x, y } = snapped(wanted)
  for (let tries = 0; tries < 100; tries++) {
    const hit = taken.find((rect) => overlaps({ x, y, ...size }, rect, GRID))
    if (!hit) break
    y = snap(hit.y + hit.height + 2 * GRID)
  }
  return { x, y }
}

/** The free spot nearest to `wanted`, in any direction; at or below it when all around is full. */
export function nearestSpot(wanted: Position, size: Size, taken: readonly Rect[]): Position {
  const step = 4 * GRID
  const start = snapped(wanted)
  for (let ring = 0; ring <= 12; ring++) {
    let best: Position | null = null
    let far = Infinity
    for (let dx = -ring; dx <= ring; dx++) {
      for (let dy = -ring; dy <= ring; dy++) {
        if (Math.max(Math.abs(dx), Math.abs(dy)) !== ring) continue
        const at = { x: start.x + dx * step, y: start.y + dy * step }
        const distance = Math.hypot(dx, dy)
        if (distance >= far || taken.some((rect) => overlaps({ ...at, ...size }, rect, GRID)))
          continue
        best = at
        far = distance
      }
    }
    if (best) return best
  }
  return freeSpot(wanted, size, taken)
}
