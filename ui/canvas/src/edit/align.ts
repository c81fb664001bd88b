/** Alignment and spacing of several nodes. */
import type { Definition, Position, Size } from '../seam'
import { ORIGIN, move, nodeOf, noteOf, DEFAULT_NOTE_SIZE } from '../document/document'
import { sizeOf, snap } from '../document/geometry'
import type { NodeTypes } from '../document/ports'

export type Alignment = 'left' | 'center' | 'right' | 'top' | 'middle' | 'bottom' | 'row' | 'column'

interface Box extends Position, Size {
  readonly id: string
}

export function align(
  definition: Definition,
  types: NodeTypes,
  ids: readonly string[],
  how: Alignment,
): Definition {
  const boxes = ids.flatMap((id): Box[] => {
    const node = nodeOf(definition, id)
    if (node) return [{ id, ...(node.position ?? ORIGIN), ...sizeOf(node, types.get(node.type)) }]
    const note = noteOf(definition, id)
    return note ? [{ id, ...(note.position ?? ORIGIN), ...(note.size ?? DEFAULT_NOTE_SIZE) }] : []
  })
  if (boxes.length < 2) return definition
  return move(definition, new Map(positions(boxes, how).map(({ id, x, y }) => [id, { x, y }])))
}

function positions(boxes: readonly Box[], how: Alignment): readonly (Position & { id: string })[] {
  const left = Math.min(...boxes.map(({ x }) => x))
  const right = Math.max(...boxes.map(({ x, width }) => x + width))
  const top = Math.min(...boxes.map(({ y }) => y))
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height))
  switch (how) {
    case 'left':
      return boxes.map((box) => ({ ...box, x: left }))
    case 'right':
      return boxes.map((box) => ({ ...box, x: right - box.width }))
    case 'center':
      return boxes.map((box) => ({ ...box, x: (left + right - box.width) / 2 }))
    case 'top':
      return boxes.map((box) => ({ ...box, y: top }))
    case 'bottom':
      return boxes.map((box) => ({ ...box, y: bottom - box.height }))
    case 'middle':
      return boxes.map((box) => ({ ...box, y: (top + bottom - box.height) / 2 }))
    case 'row':
      return spread(boxes, 'x', 'width')
    case 'column':
      return spread(boxes, 'y', 'height')
  }
}

/** Equal gaps between the outermost two. */
function spread(boxes: readonly Box[], axis: 'x' | 'y', extent: 'width' | 'height'): Box[] {
  const sorted = [...boxes].sort((a, b) => a[axis] - b[axis])
  const first = sorted[0]
  const last = sorted.at(-1)
  if (!first || !last || sorted.length < 3) return sorted
  const room = last[axis] - (first[axis] + first[extent])
  const used = sorted.slice(1, -1).reduce((sum, box) => sum + box[extent], 0)
  const gap = (room - used) / (sorted.length - 1)
  let at = first[axis]
  return sorted.map((box) => {
    const placed = { ...box, [axis]: snap(at) }
    at += box[extent] + gap
    return placed
  })
}
