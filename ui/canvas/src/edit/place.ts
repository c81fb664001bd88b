/** Where new nodes go: their defaults, a free spot, their wires, what makes room for them. */
import type { Definition, Edge, Node, NodeType, Position } from '../seam'
import {
  DEFAULT_NOTE_SIZE,
  ORIGIN,
  absolutePosition,
  addToScope,
  bodyOf,
  containersOf,
  downstreamOf,
  freshEdgeId,
  freshId,
  mapScope,
  move,
  nodeOf,
  places,
  scopeOf,
  sourcePort,
  targetPort,
  usedIds,
  type Scope,
} from '../document/document'
import {
  CARD_WIDTH,
  contains,
  freeSpot,
  isContainer,
  nearestSpot,
  sizeOf,
  snapped,
  type Rect,
} from '../document/geometry'
import { inputPorts, outputPorts, type NodeTypes } from '../document/ports'
import { refusal } from '../document/connect'
import { BODY_PAD, grow } from '../document/layout'
import { freshName } from './clipboard'

export const GAP_X = 96

/** One end of a wire that waits for a node. */
export interface Loose {
  readonly node: string
  readonly port: string
  readonly side: 'source' | 'target'
}

export interface Insertion {
  readonly type: NodeType
  /** Canvas coordinates of the top left corner; without, a spot is found beside `loose`. */
  readonly at?: Position
  readonly loose?: Loose
  /** Splice into this edge. */
  readonly edge?: string
  /** Where to put it when nothing else says. */
  readonly fallback: Position
}

export interface Inserted {
  readonly definition: Definition
  readonly id: string
}

export function insert(definition: Definition, types: NodeTypes, wish: Insertion): Inserted {
  const node = makeNode(definition, wish.type)
  if (wish.edge !== undefined) return splice(definition, types, wish.edge, node)
  const scope = wish.loose
    ? scopeOf(definition, wish.loose.node)
    : scopeAt(definition, types, wish.at ?? wish.fallback)
  const wanted = wish.at
    ? relative(definition, scope, wish.at)
    : wish.loose
      ? beside(definition, types, wish.loose)
      : relative(definition, scope, wish.fallback)
  const type = wish.type
  const size = sizeOf(node, type)
  const find = wish.loose ? freeSpot : nearestSpot
  const position = wish.at ? snapped(wanted) : find(wanted, size, taken(definition, types, scope))
  let next = addToScope(definition, scope, [{ ...node, position }])
  if (wish.loose) next = wire(next, types, wish.loose, node.id)
  return { definition: growAll(next, types, node.id), id: node.id }
}

export function makeNode(definition: Definition, type: NodeType): Node {
  const names = new Set([...places(definition).values()].map(({ node }) => node.name ?? ''))
  const made: Node = {
    id: freshId(usedIds(definition), type.type),
    type: type.type,
    name: freshName(names, type.title),
    params: {},
  }
  return type.container ? { ...made, body: { nodes: [], edges: [] } } : made
}

/** The innermost container under a point of the canvas. */
export function scopeAt(
  definition: Definition,
  types: NodeTypes,
  point: Position,
  except: ReadonlySet<string> = new Set(),
): Scope {
  let found: Scope = null
  for (const { node } of places(definition).values()) {
    const type = types.get(node.type)
    if (!isContainer(node, type) || except.has(node.id)) continue
    if (containersOf(definition, node.id).some((outer) => except.has(outer))) continue
    const rect = { ...absolutePosition(definition, node.id), ...sizeOf(node, type) }
    if (contains(rect, point)) found = node.id
  }
  return found
}

export function relative(definition: Definition, scope: Scope, point: Position): Position {
  if (scope === null) return point
  const origin = absolutePosition(definition, scope)
  return {
    x: Math.max(point.x - origin.x, 16),
    y: Math.max(point.y - origin.y, BODY_PAD.top - 40),
  }
}

/** The boxes of a scope, and the notes at the top level: nothing is placed upon them unasked. */
export function taken(definition: Definition, types: NodeTypes, scope: Scope): Rect[] {
  const nodes = (bodyOf(definition, scope).nodes ?? []).map((node) => ({
    ...(node.position ?? ORIGIN),
    ...sizeOf(node, types.get(node.type)),
  }))
  const notes = (scope === null ? (definition.notes ?? []) : []).map((note) => ({
    ...(note.position ?? ORIGIN),
    ...(note.size ?? DEFAULT_NOTE_SIZE),
  }))
  return [...nodes, ...notes]
}

/** Containers around a node grow until their bodies fit. */
export function growAll(definition: Definition, types: NodeTypes, id: string): Definition {
  return containersOf(definition, id).reduce((next, at) => grow(next, types, at), definition)
}

function beside(definition: Definition, types: NodeTypes, loose: Loose): Position {
  const node = nodeOf(definition, loose.node)
  if (!node) return ORIGIN
  const { x, y } = node.position ?? ORIGIN
  const { width } = sizeOf(node, types.get(node.type))
  return loose.side === 'source' ? { x: x + width + GAP_X, y } : { x: x - CARD_WIDTH - GAP_X, y }
}

function wire(definition: Definition, types: NodeTypes, loose: Loose, id: string): Definition {
  const node = nodeOf(definition, id)
  if (!node) return definition
  const type = types.get(node.type)
  const ports = loose.side === 'source' ? inputPorts(type) : outputPorts(node, type)
  for (const port of ports) {
    const made =
      loose.side === 'source'
        ? { source: loose.node, sourcePort: loose.port, target: id, targetPort: port.name }
        : { source: id, sourcePort: port.name, target: loose.node, targetPort: loose.port }
    if (refusal(definition, types, made) !== null) continue
    return addToScope(
      definition,
      scopeOf(definition, id),
      [],
      [
        {
          id: freshEdgeId(usedIds(definition)),
          source: made.source,
          source_port: made.sourcePort,
          target: made.target,
          target_port: made.targetPort,
        },
      ],
    )
  }
  return definition
}

/** Between the ends of an edge; what comes after moves right when there is no room. */
function splice(definition: Definition, types: NodeTypes, edgeId: string, node: Node): Inserted {
  const scope = scopeOfEdge(definition, edgeId)
  const edge = bodyOf(definition, scope).edges?.find(({ id }) => id === edgeId)
  const source = edge && nodeOf(definition, edge.source)
  const target = edge && nodeOf(definition, edge.target)
  if (!edge || !source || !target) return { definition, id: node.id }
  const type = types.get(node.type)
  const size = sizeOf(node, type)
  const from = { ...(source.position ?? ORIGIN), ...sizeOf(source, types.get(source.type)) }
  const to = target.position ?? ORIGIN
  const x = from.x + from.width + GAP_X
  const needed = x + size.width + GAP_X - to.x
  let next = definition
  if (needed > 0) {
    const shifted = new Map<string, Position>()
    for (const id of [target.id, ...downstreamOf(definition, target.id)]) {
      const { x: left, y } = nodeOf(definition, id)?.position ?? ORIGIN
      shifted.set(id, snapped({ x: left + needed, y }))
    }
    next = move(next, shifted)
  }
  const roomy = needed > 0 ? x : (from.x + from.width + to.x - size.width) / 2
  const position = freeSpot({ x: roomy, y: (from.y + to.y) / 2 }, size, taken(next, types, scope))
  const used = usedIds(next)
  const first = freshEdgeId(used)
  used.add(first)
  const input = inputPorts(type)[0]?.name
  const output = outputPorts(node, type)[0]?.name
  const edges: Edge[] = []
  if (input !== undefined) {
    const { source: at } = edge
    edges.push({
      id: first,
      source: at,
      source_port: sourcePort(edge),
      target: node.id,
      target_port: input,
    })
  }
  if (output !== undefined) {
    const { target: at } = edge
    edges.push({
      id: freshEdgeId(used),
      source: node.id,
      source_port: output,
      target: at,
      target_port: targetPort(edge),
    })
  }
  next = mapScope(next, scope, (body) => ({
    ...body,
    nodes: [...(body.nodes ?? []), { ...node, position }],
    edges: [...(body.edges ?? []).filter(({ id }) => id !== edgeId), ...edges],
  }))
  return { definition: growAll(next, types, node.id), id: node.id }
}

function scopeOfEdge(definition: Definition, edgeId: string): Scope {
  for (const { node } of places(definition).values()) {
    if (node.body?.edges?.some(({ id }) => id === edgeId)) return node.id
  }
  return null
}
