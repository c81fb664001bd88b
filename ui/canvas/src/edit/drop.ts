/** Where dragged nodes end: in the container under their middle, without edges across its border. */
import type { Definition, Position } from '../seam'
import {
  absolutePosition,
  containersOf,
  edgesOf,
  move,
  nodeOf,
  rescope,
  scopeOf,
} from '../document/document'
import { sizeOf, snapped } from '../document/geometry'
import type { NodeTypes } from '../document/ports'
import { growAll, relative, scopeAt } from './place'

export interface Dropped {
  readonly definition: Definition
  /** How many edges had to go. */
  readonly cut: number
}

export function drop(
  definition: Definition,
  types: NodeTypes,
  positions: ReadonlyMap<string, Position>,
): Dropped {
  let next = move(definition, positions)
  let cut = 0
  const moving = new Set(positions.keys())
  for (const id of positions.keys()) {
    const node = nodeOf(next, id)
    if (!node || containersOf(next, id).some((outer) => moving.has(outer))) continue
    const size = sizeOf(node, types.get(node.type))
    const corner = absolutePosition(next, id)
    const middle = { x: corner.x + size.width / 2, y: corner.y + size.height / 2 }
    const scope = scopeAt(next, types, middle, moving)
    if (scope !== scopeOf(next, id) && node.type !== 'start') {
      const before = edgesOf(next).length
      next = rescope(next, id, scope, snapped(relative(next, scope, corner)))
      cut += before - edgesOf(next).length
    }
    next = growAll(next, types, id)
  }
  return { definition: next, cut }
}
