/** Where a pasted clip goes: where asked, beside its original, or into the middle of the view. */
import type { Definition, Position } from '../seam'
import { withMembers } from '../document/groups'
import { placementRefusal } from '../document/connect'
import { nodeOf, usedIds } from '../document/document'
import { snapped } from '../document/geometry'
import type { NodeTypes } from '../document/ports'
import { paste, type Clip, type Pasted } from './clipboard'
import { growAll, relative, scopeAt } from './place'

export interface PasteWish {
  readonly at: Position | undefined
  /** How far beside the original, so that repeated pastes do not hide each other. */
  readonly shift: number
  readonly fallback: Position
}

export function pasteBeside(
  definition: Definition,
  types: NodeTypes,
  clip: Clip,
  wish: PasteWish,
): Pasted {
  const sources = [...clip.nodes, ...clip.notes, ...clip.groups]
  const used = usedIds(definition)
  const beside = {
    x: Math.min(...sources.map(({ position }) => position?.x ?? 0)) + wish.shift,
    y: Math.min(...sources.map(({ position }) => position?.y ?? 0)) + wish.shift,
  }
  const target = wish.at ?? (sources.every(({ id }) => used.has(id)) ? beside : wish.fallback)
  const scope = scopeAt(definition, types, target)
  const result = paste(definition, clip, {
    scope,
    at: snapped(relative(definition, scope, target)),
    refuse: (type) => placementRefusal(definition, types, type, scope),
  })
  const grown = result.ids.reduce(
    (next, id) =>
      [...withMembers(result.definition, [id])].reduce(
        (grown, at) => (nodeOf(grown, at) ? growAll(grown, types, at) : grown),
        next,
      ),
    result.definition,
  )
  return { ...result, definition: grown }
}
