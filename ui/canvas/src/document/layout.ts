/** Auto-layout, left to right, by dagre: inner bodies first, then what holds them. */
import type { Body, Definition, Edge, Node, Position, Size } from '../seam'
import {
  ORIGIN,
  bodyOf,
  mapNode,
  move,
  nodeOf,
  places,
  scopeOf,
  sourcePort,
  type Scope,
} from './document'
import {
  CONTAINER_FOOTER,
  CONTAINER_HEADER,
  CONTAINER_MIN,
  GRID,
  isContainer,
  sizeOf,
  snap,
} from './geometry'
import { outputPorts, type NodeTypes } from './ports'

export const BODY_PAD = {
  left: 48,
  top: CONTAINER_HEADER + 48,
  right: 48,
  bottom: CONTAINER_FOOTER + 32,
}

interface Box extends Size {
  readonly id: string
}

type Arrange = (boxes: readonly Box[], links: readonly [string, string][]) => Map<string, Position>

/** Lays out everything, or only these nodes, around the corner where they are. */
export async function layout(
  definition: Definition,
  types: NodeTypes,
  only: ReadonlySet<string> | null = null,
): Promise<Definition> {
  const arrange = await loadArrange()
  if (only !== null && only.size > 1) {
    const scopes = new Set([...only].map((id) => scopeOf(definition, id)))
    return [...scopes].reduce(
      (next, scope) => layoutScope(next, types, scope, arrange, only),
      definition,
    )
  }
  let next = definition
  const containers = [...places(definition).values()]
    .filter(({ node }) => isContainer(node, types.get(node.type)))
    .map(({ node }) => node.id)
    .reverse()
  for (const id of containers) {
    next = layoutScope(next, types, id, arrange, null)
    next = fit(next, types, id)
  }
  return layoutScope(next, types, null, arrange, null)
}

function layoutScope(
  definition: Definition,
  types: NodeTypes,
  scope: Scope,
  arrange: Arrange,
  only: ReadonlySet<string> | null,
): Definition {
  const body: Body = bodyOf(definition, scope)
  const nodes = (body.nodes ?? []).filter((node) => only?.has(node.id) ?? true)
  if (nodes.length === 0) return definition
  const present = new Set(nodes.map((node) => node.id))
  const boxes = inPortOrder(nodes, body.edges ?? [], types).map((node) => ({
    id: node.id,
    ...sizeOf(node, types.get(node.type)),
  }))
  const rank = new Map(boxes.map(({ id }, index) => [id, index]))
  const links = (body.edges ?? [])
    .filter((edge) => present.has(edge.source) && present.has(edge.target))
    .map((edge): [string, string] => [edge.source, edge.target])
    .sort((a, b) => rank.get(a[1])! - rank.get(b[1])!)
  const places = upright(arrange(boxes, links), body.edges ?? [], nodes, types)
  const corner =
    only === null && scope !== null ? { x: BODY_PAD.left, y: BODY_PAD.top } : cornerOf(nodes)
  const laid = [...places.values()]
  const left = Math.min(...laid.map(({ x }) => x))
  const top = Math.min(...laid.map(({ y }) => y))
  return move(
    definition,
    new Map(
      [...places].map(([id, { x, y }]) => [
        id,
        { x: snap(x - left + corner.x), y: snap(y - top + corner.y) },
      ]),
    ),
  )
}

/** Dagre may draw a branch upside down: turn it so that upper ports lead upwards. */
function upright(
  places: Map<string, Position>,
  edges: readonly Edge[],
  nodes: readonly Node[],
  types: NodeTypes,
): Map<string, Position> {
  let turned = 0
  for (const node of nodes) {
    const ports = outputPorts(node, types.get(node.type)).map(({ name }) => name)
    const ends = edges
      .filter((edge) => edge.source === node.id && places.has(edge.target))
      .sort((a, b) => ports.indexOf(sourcePort(a)) - ports.indexOf(sourcePort(b)))
    for (let i = 1; i < ends.length; i++) {
      if (sourcePort(ends[i]!) === sourcePort(ends[i - 1]!)) continue
      turned += Math.sign(places.get(ends[i - 1]!.target)!.y - places.get(ends[i]!.target)!.y)
    }
  }
  if (turned <= 0) return places
  const height = new Map(nodes.map((node) => [node.id, sizeOf(node, types.get(node.type)).height]))
  return new Map([...places].map(([id, { x, y }]) => [id, { x, y: -y - (height.get(id) ?? 0) }]))
}

/** Depth first along the ports from top to bottom: dagre keeps this order where nothing crosses. */
function inPortOrder(nodes: readonly Node[], edges: readonly Edge[], types: NodeTypes): Node[] {
  const left = new Map(nodes.map((node) => [node.id, node]))
  const entered = new Set(edges.map((edge) => edge.target))
  const ordered: Node[] = []
  const visit = (node: Node): void => {
    if (!left.delete(node.id)) return
    ordered.push(node)
    const ports = outputPorts(node, types.get(node.type)).map(({ name }) => name)
    const next = edges
      .filter((edge) => edge.source === node.id)
      .sort((a, b) => ports.indexOf(sourcePort(a)) - ports.indexOf(sourcePort(b)))
    for (const edge of next) {
      const target = left.get(edge.target)
      if (target) visit(target)
    }
  }
  for (const node of nodes) if (!entered.has(node.id)) visit(node)
  for (const node of nodes) visit(node)
  return ordered
}

/** A container just large enough for its body. */
export function fit(definition: Definition, types: NodeTypes, id: string): Definition {
  const needed = neededSize(definition, types, id)
  return mapNode(definition, id, (node) => ({
    ...node,
    size: {
      width: Math.max(CONTAINER_MIN.width, needed.width),
      height: Math.max(CONTAINER_MIN.height, needed.height),
    },
  }))
}

/** Grow a container that its body does not fit into; never shrink it. */
export function grow(definition: Definition, types: NodeTypes, id: string): Definition {
  const container = nodeOf(definition, id)
  if (!container) return definition
  const now = sizeOf(container, types.get(container.type))
  const needed = neededSize(definition, types, id)
  if (needed.width <= now.width && needed.height <= now.height) return definition
  const size = {
    width: Math.max(now.width, needed.width),
    height: Math.max(now.height, needed.height),
  }
  return mapNode(definition, id, (node) => ({ ...node, size }))
}

function neededSize(definition: Definition, types: NodeTypes, id: string): Size {
  let width = 0
  let height = 0
  for (const node of nodeOf(definition, id)?.body?.nodes ?? []) {
    const size = sizeOf(node, types.get(node.type))
    const { x, y } = node.position ?? ORIGIN
    width = Math.max(width, x + size.width + GRID * 2)
    height = Math.max(height, y + size.height + CONTAINER_FOOTER + GRID)
  }
  return { width: Math.ceil(width / GRID) * GRID, height: Math.ceil(height / GRID) * GRID }
}

function cornerOf(nodes: readonly Node[]): Position {
  return {
    x: Math.min(...nodes.map((node) => (node.position ?? ORIGIN).x)),
    y: Math.min(...nodes.map((node) => (node.position ?? ORIGIN).y)),
  }
}

async function loadArrange(): Promise<Arrange> {
  const { arrange } = await import('./dagre')
  return arrange
}
