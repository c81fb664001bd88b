/** Where to look: the bounds of a drawing and the viewport that shows them. */
import type { Definition, Position, Size } from '../seam'
import { DEFAULT_NOTE_SIZE, ORIGIN } from '../document/document'
import { sizeOf, type Rect } from '../document/geometry'
import type { NodeTypes } from '../document/ports'

export interface Viewport extends Position {
  readonly zoom: number
}

export const MIN_ZOOM = 0.1
export const MAX_ZOOM = 2

/** Around the top level; bodies are inside their containers. */
export function boundsOf(definition: Definition, types: NodeTypes): Rect | null {
  const boxes = [
    ...(definition.nodes ?? []).map((node) => ({
      ...(node.position ?? ORIGIN),
      ...sizeOf(node, types.get(node.type)),
    })),
    ...(definition.notes ?? []).map((note) => ({
      ...(note.position ?? ORIGIN),
      ...(note.size ?? DEFAULT_NOTE_SIZE),
    })),
  ]
  if (boxes.length === 0) return null
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const { x, y, width, height } of boxes) {
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x + width)
    bottom = Math.max(bottom, y + height)
  }
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Everything in the middle, never larger than life, with room for the floating tools. */
export function fitted(bounds: Rect, view: Size, floor = MIN_ZOOM): Viewport {
  const room = { width: view.width - 96, height: view.height - 176 }
  const zoom = Math.min(
    1,
    Math.max(floor, Math.min(room.width / bounds.width, room.height / bounds.height)),
  )
  const centred = {
    x: (view.width - bounds.width * zoom) / 2 - bounds.x * zoom,
    y: (view.height - 24 - bounds.height * zoom) / 2 - bounds.y * zoom,
  }
  // What does not fit begins at the left edge, where the work begins.
  return {
    zoom,
    x: bounds.width * zoom > room.width ? 48 - bounds.x * zoom : centred.x,
    y: centred.y,
  }
}

/** For drawings too large to mount at once: the start at a readable size. */
export function beginning(definition: Definition, bounds: Rect, view: Size): Viewport {
  const zoom = 0.8
  const start = (definition.nodes ?? []).find((node) => node.type === 'start')
  const { x, y } = start?.position ?? bounds
  return { zoom, x: 64 - x * zoom, y: view.height / 2 - (y + 60) * zoom }
}
