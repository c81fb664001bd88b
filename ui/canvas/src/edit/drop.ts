/**
 * Where dragged nodes end: in the container under their middle, without edges across its border, and
 * in the group whose frame they were dropped on. A dragged group takes its members along.
 */
import { frameOf, groupsOf, openFrames, patchGroup, positionOf, regroup, shifted } from '../document/groups'
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
  /** Why a group stays where it was. */
  readonly refused: string | null
}

export const GROUP_BORDER =
  'A group cannot be dragged into or out of a loop. Ungroup it, or drag its steps.'

export function drop(
  definition: Definition,
  types: NodeTypes,
  dropped: ReadonlyMap<string, Position>,
  isOpen: (groupId: string) => boolean = () => true,
): Dropped {
  const positions = new Map([...dropped].filter(([id]) => !groupsOf(definition).has(id)))
  const moving = new Set(positions.keys())
  const frames = openFrames(definition, types, isOpen, new Set(dropped.keys()))
  let next = definition
  let cut = 0
  let refused: string | null = null
  for (const [id, position] of dropped) {
    const placed = groupsOf(definition).get(id)
    if (!placed) continue
    const frame = frameOf(definition, types, id)
    const by = { x: position.x - frame.x, y: position.y - frame.y }
    const inside = new Set(placed.members)
    if (scopeUnder(definition, types, id, by, inside) !== placed.scope) {
      refused = GROUP_BORDER
      continue
    }
    const along = [...inside].map((at) => [at, shifted(positionOf(definition, at)!, by)] as const)
    next = move(next, new Map(along))
    for (const at of inside) if (nodeOf(next, at)) next = growAll(next, types, at)
    next = patchGroup(next, id, { position, size: { width: frame.width, height: frame.height } })
  }
  next = move(next, positions)
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
  return { definition: regroup(next, types, [...moving], frames), cut, refused }
}

/** The container under the middle of a group that is moved. */
function scopeUnder(
  definition: Definition,
  types: NodeTypes,
  id: string,
  by: Position,
  moving: ReadonlySet<string>,
): string | null {
  const { x, y, width, height } = frameOf(definition, types, id)
  const scope = groupsOf(definition).get(id)?.scope ?? null
  const outer = scope === null ? { x: 0, y: 0 } : absolutePosition(definition, scope)
  const middle = { x: outer.x + x + by.x + width / 2, y: outer.y + y + by.y + height / 2 }
  return scopeAt(definition, types, middle, moving)
}
