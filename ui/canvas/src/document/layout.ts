/** Auto-layout, left to right, by dagre: inner bodies and groups first, then what holds them. */
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
import { frameAround, frameOf, groupsOf, ownerOf, patchGroup, positionOf, shifted } from './groups'
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
    next = layoutWithGroups(next, types, id, arrange)
    next = fit(next, types, id)
  }
  return layoutWithGroups(next, types, null, arrange)
}

/** The members of a group are laid out among themselves; then its frame is laid out as one box. */
function layoutWithGroups(
  definition: Definition,
  types: NodeTypes,
  scope: Scope,
  arrange: Arrange,
): Definition {
  const groups = [...groupsOf(definition).values()].filter(
    (placed) => placed.scope === scope && placed.members.some((id) => nodeOf(definition, id)),
  )
  if (groups.length === 0) return layoutScope(definition, types, scope, arrange, null)
  let next = definition
  for (const { group, members } of groups) {
    next = layoutScope(next, types, scope, arrange, new Set(members))
    const { x, y, width, height } = frameAround(next, types, members)!
    next = patchGroup(next, group.id, { position: { x, y }, size: { width, height } })
  }
  const body = bodyOf(next, scope)
  const boxed = new Set(groups.map(({ group }) => group.id))
  const boxOfNode = (id: string): string => {
    const owner = ownerOf(next, id)
    return owner !== null && boxed.has(owner) ? owner : id
  }
  const free = (body.nodes ?? []).filter((node) => boxOfNode(node.id) === node.id)
  const edges = (body.edges ?? [])
    .map((edge) => ({ ...edge, source: boxOfNode(edge.source), target: boxOfNode(edge.target) }))
    .filter((edge) => edge.source !== edge.target)
  const stands = new Map(
    groups.map(({ group }) => {
      const { x, y, ...size } = frameOf(next, types, group.id)
      return [group.id, { id: group.id, type: '', position: { x, y }, size }] as const
    }),
  )
  // In the order of the drawing, so that dagre keeps it where nothing crosses.
  const nodes: Node[] = [...free, ...stands.values()]
  const sizes = (node: Node): Size => stands.get(node.id)?.size ?? sizeOf(node, types.get(node.type))
  const laid = placed(nodes, edges, types, sizes, arrange, scope === null ? null : BODY_PAD)
  for (const { group, members } of groups) {
    const [from, to] = [stands.get(group.id)!.position, laid.get(group.id)]
    if (!to) continue
    const by = { x: to.x - from.x, y: to.y - from.y }
    next = patchGroup(next, group.id, { position: to })
    for (const id of members) laid.set(id, shifted(positionOf(next, id) ?? ORIGIN, by))
  }
  return move(next, laid)
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
  const sizes = (node: Node): Size => sizeOf(node, types.get(node.type))
  const pad = only === null && scope !== null ? BODY_PAD : null
  return move(definition, placed(nodes, body.edges ?? [], types, sizes, arrange, pad))
}

/** Where nodes go: around the corner where they are, or into a body. */
function placed(
  nodes: readonly Node[],
  edges: readonly Edge[],
  types: NodeTypes,
  sizes: (node: Node) => Size,
  arrange: Arrange,
  pad: { readonly left: number; readonly top: number } | null,
): Map<string, Position> {
  const present = new Set(nodes.map((node) => node.id))
  const boxes = inPortOrder(nodes, edges, types).map((node) => ({ id: node.id, ...sizes(node) }))
  const rank = new Map(boxes.map(({ id }, index) => [id, index]))
  const links = edges
    .filter((edge) => present.has(edge.source) && present.has(edge.target))
    .map((edge): [string, string] => [edge.source, edge.target])
    .sort((a, b) => rank.get(a[1])! - rank.get(b[1])!)
  const places = upright(arrange(boxes, links), edges, nodes, types, sizes)
  const corner = pad ? { x: pad.left, y: pad.top } : cornerOf(nodes)
  const laid = [...places.values()]
  const left = Math.min(...laid.map(({ x }) => x))
  const top = Math.min(...laid.map(({ y }) => y))
  return new Map(
    [...places].map(([id, { x, y }]) => [
      id,
      { x: snap(x - left + corner.x), y: snap(y - top + corner.y) },
    ]),
  )
}

/** Dagre may draw a branch upside down: turn it so that upper ports lead upwards. */
function upright(
  places: Map<string, Position>,
  edges: readonly Edge[],
  nodes: readonly Node[],
  types: NodeTypes,
  sizes: (node: Node) => Size,
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
  const height = new Map(nodes.map((node) => [node.id, sizes(node).height]))
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
