/** Where to look: the bounds of a drawing and the viewport that shows them. */
import type { Definition, Position, Size } from '../seam'
import { DEFAULT_NOTE_SIZE, ORIGIN, absolutePosition, nodeOf } from '../document/document'
import { frameOf, groupsOf } from '../document/groups'
import { sizeOf, type Rect } from '../document/geometry'
import type { NodeTypes } from '../document/ports'

export interface Viewport extends Position {
  readonly zoom: number
}

export const MIN_ZOOM = 0.1
export const MAX_ZOOM = 2

/** Around the top level, with the frames of its groups; bodies are inside their containers. */
export function boundsOf(definition: Definition, types: NodeTypes): Rect | null {
  const groups = [...groupsOf(definition).values()].filter(
    ({ scope, members }) => scope === null && members.length > 0,
  )
  const boxes = [
    ...groups.map(({ group }) => frameOf(definition, types, group.id)),
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

/** Around these steps and notes, wherever they are drawn; null when there are none. */
export function partOf(
  definition: Definition,
  types: NodeTypes,
  ids: readonly string[],
): Rect | null {
  const wanted = new Set(ids)
  const nodes = ids.flatMap((id) => {
    const node = nodeOf(definition, id)
    return node ? [{ ...node, position: absolutePosition(definition, id) }] : []
  })
  return boundsOf({ nodes, notes: (definition.notes ?? []).filter(({ id }) => wanted.has(id)) }, types)
}

/** Below this zoom the words on the cards are hard to read. */
export const READABLE = 0.7
/** What floats at the edges: the tool bars above and left, the run controls below. */
const FLOATING = { top: 60, right: 32, bottom: 76, left: 64 } as const

/** Everything in the middle of what the floating tools leave free, never larger than life. */
export function fitted(bounds: Rect, view: Size): Viewport {
  const room = roomOf(view)
  const whole = Math.min(room.width / bounds.width, room.height / bounds.height)
  return around(bounds, bounds, view, Math.min(1, Math.max(MIN_ZOOM, whole)))
}

/** The whole drawing where it can be read, else its part around a node at a readable size. */
export function opening(bounds: Rect, middle: Rect, view: Size): Viewport {
  const whole = fitted(bounds, view)
  return whole.zoom >= READABLE ? whole : around(middle, bounds, view, 0.8)
}

/** Where the reader begins: the step that is asked for, else the start, else the corner. */
export function beginning(
  definition: Definition,
  types: NodeTypes,
  bounds: Rect,
  wanted: string | null,
): Rect {
  const nodes = definition.nodes ?? []
  const id = wanted ?? nodes.find((node) => node.type === 'start')?.id
  const node = id === undefined ? undefined : nodeOf(definition, id)
  if (!node) return { x: bounds.x, y: bounds.y, width: 0, height: 0 }
  return { ...absolutePosition(definition, node.id), ...sizeOf(node, types.get(node.type)) }
}

function roomOf(view: Size): Size {
  return {
    width: Math.max(1, view.width - FLOATING.left - FLOATING.right),
    height: Math.max(1, view.height - FLOATING.top - FLOATING.bottom),
  }
}

/** With a part in the middle, unless that would leave room beyond the drawing's edge unused. */
function around(part: Rect, bounds: Rect, view: Size, zoom: number): Viewport {
  const room = roomOf(view)
  const along = (at: number, size: number, from: number, length: number, free: number): number => {
    if (length * zoom <= free) return (free - length * zoom) / 2 - from * zoom
    const middle = free / 2 - (at + size / 2) * zoom
    return Math.min(-from * zoom, Math.max(free - (from + length) * zoom, middle))
  }
  return {
    zoom,
    x: FLOATING.left + along(part.x, part.width, bounds.x, bounds.width, room.width),
    y: FLOATING.top + along(part.y, part.height, bounds.y, bounds.height, room.height),
  }
}
