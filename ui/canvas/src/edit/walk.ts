/** Arrow keys: the next node to the right, left, above or below. */
import type { Definition } from '../seam'
import { absolutePosition, bodyOf, nodeOf, places, scopeOf } from '../document/document'

export type Direction = 'left' | 'right' | 'up' | 'down'

/** Along an edge where there is one, else the nearest neighbour that way. */
export function walk(definition: Definition, from: string | null, way: Direction): string | null {
  if (from === null || !nodeOf(definition, from)) return first(definition)
  const edges = bodyOf(definition, scopeOf(definition, from)).edges ?? []
  if (way === 'right' || way === 'left') {
    const next = edges
      .filter((edge) => (way === 'right' ? edge.source === from : edge.target === from))
      .map((edge) => (way === 'right' ? edge.target : edge.source))
    const found = nearest(definition, from, next)
    if (found !== null) return found
    const inner = nodeOf(definition, from)?.body?.nodes?.[0]?.id
    if (way === 'right' && inner !== undefined && next.length === 0) return inner
    if (way === 'left' && next.length === 0 && scopeOf(definition, from) !== null) {
      return scopeOf(definition, from)
    }
  }
  const here = absolutePosition(definition, from)
  const candidates = [...places(definition).keys()].filter((id) => {
    if (id === from) return false
    const { x, y } = absolutePosition(definition, id)
    if (way === 'right') return x > here.x && x - here.x >= Math.abs(y - here.y)
    if (way === 'left') return x < here.x && here.x - x >= Math.abs(y - here.y)
    if (way === 'down') return y > here.y && (y - here.y) * 2 >= Math.abs(x - here.x)
    return y < here.y && (here.y - y) * 2 >= Math.abs(x - here.x)
  })
  return nearest(definition, from, candidates)
}

function nearest(definition: Definition, from: string, ids: readonly string[]): string | null {
  const here = absolutePosition(definition, from)
  let best: string | null = null
  let distance = Infinity
  for (const id of ids) {
    const { x, y } = absolutePosition(definition, id)
    const far = Math.hypot(x - here.x, y - here.y)
    if (far < distance) {
      best = id
      distance = far
    }
  }
  return best
}

function first(definition: Definition): string | null {
  const all = [...places(definition).values()].map(({ node }) => node)
  return (all.find((node) => node.type === 'start') ?? all[0])?.id ?? null
}
