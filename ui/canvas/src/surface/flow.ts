/** The Definition as Vue Flow draws it: bodies become child nodes, sizes and handles are preset. */
import { Position as Side, type Edge as FlowEdge, type Node as FlowNode } from '@vue-flow/core'
import type { Definition, Node, Position } from '../seam'
import {
  DEFAULT_NOTE_SIZE,
  ORIGIN,
  containersOf,
  edgesOf,
  move,
  places,
  sourcePort,
  targetPort,
  type Scope,
} from '../document/document'
import { GROUP_CARD, GROUP_PORT, frameOf, groupsOf, ownerOf } from '../document/groups'
import {
  HANDLE,
  geometryOf,
  isContainer,
  type Geometry,
  type HandleBox,
  type Rect,
} from '../document/geometry'
import type { NodeTypes } from '../document/ports'

export type Drawn = 'card' | 'container' | 'note' | 'group' | 'folded'

/** A handle's id becomes a CSS class in Vue Flow, so a port called "left" must not stand alone. */
export function sourceHandle(port: string): string {
  return `o:${port}`
}

export function targetHandle(port: string): string {
  return `i:${port}`
}

export function portOfHandle(handle: string | null | undefined): string | null {
  return handle && /^[io]:/.test(handle) ? handle.slice(2) : null
}

export interface FlowParts {
  readonly nodes: FlowNode[]
  readonly edges: FlowEdge[]
}

/** A step or note inside a group is drawn relative to its frame, and not at all while it is closed. */
export function toFlow(
  definition: Definition,
  types: NodeTypes,
  isCollapsed: (groupId: string) => boolean = (id) =>
    groupsOf(definition).get(id)?.group.collapsed ?? false,
): FlowParts {
  const nodes: FlowNode[] = []
  const frames = new Map<string, Rect>()
  const hidden = hiddenBy(definition, isCollapsed)
  /** What holds an item, drawn first, and where the item is within it. */
  const within = (id: string, scope: Scope, position: Position): Partial<FlowNode> => {
    const owner = ownerOf(definition, id)
    if (owner === null)
      return { position: { ...position }, ...(scope === null ? {} : { parentNode: scope }) }
    let frame = frames.get(owner)
    if (!frame) {
      frame = frameOf(definition, types, owner)
      frames.set(owner, frame)
      nodes.push(groupNode(owner, frame, scope, isCollapsed(owner)))
    }
    return { position: { x: position.x - frame.x, y: position.y - frame.y }, parentNode: owner }
  }
  for (const { node, scope } of places(definition).values()) {
    if (scope !== null && hidden.has(scope)) continue
    const place = within(node.id, scope, node.position ?? ORIGIN)
    if (!hidden.has(node.id)) nodes.push({ ...flowNode(node, types), ...place })
  }
  for (const note of definition.notes ?? []) {
    const place = within(note.id, null, note.position ?? ORIGIN)
    if (hidden.has(note.id)) continue
    nodes.push({
      id: note.id,
      type: 'note',
      position: ORIGIN,
      zIndex: -1,
      connectable: false,
      ...preset({ size: note.size ?? DEFAULT_NOTE_SIZE, inputs: [], outputs: [] }),
      ...place,
    })
  }
  const present = new Set(nodes.map((node) => node.id))
  const edges = edgesOf(definition).flatMap(({ edge }) => {
    const [from, to] = [hidden.get(edge.source), hidden.get(edge.target)]
    const [source, target] = [from ?? edge.source, to ?? edge.target]
    if (!present.has(source) || !present.has(target) || (from !== undefined && from === to)) return []
    return {
      id: edge.id,
      type: 'wire',
      source,
      target,
      sourceHandle: sourceHandle(from === undefined ? sourcePort(edge) : GROUP_PORT),
      targetHandle: targetHandle(to === undefined ? targetPort(edge) : GROUP_PORT),
      // Whose run colours the wire.
      ...(from === undefined && to === undefined
        ? {}
        : {
            data: {
              source: edge.source,
              target: edge.target,
              sourceHandle: sourceHandle(sourcePort(edge)),
            },
          }),
    }
  })
  return { nodes, edges }
}

/** The closed group that stands for each step or note that is not drawn. */
function hiddenBy(
  definition: Definition,
  isCollapsed: (groupId: string) => boolean,
): ReadonlyMap<string, string> {
  const hidden = new Map<string, string>()
  if (groupsOf(definition).size === 0) return hidden
  const closed = (id: string): string | undefined => {
    const owner = ownerOf(definition, id)
    return owner !== null && isCollapsed(owner) ? owner : undefined
  }
  for (const id of places(definition).keys()) {
    const groups = [id, ...containersOf(definition, id)].map(closed)
    const outermost = groups.findLast((group) => group !== undefined)
    if (outermost !== undefined) hidden.set(id, outermost)
  }
  for (const { id } of definition.notes ?? []) {
    const group = closed(id)
    if (group !== undefined) hidden.set(id, group)
  }
  return hidden
}

function groupNode(id: string, frame: Rect, scope: Scope, collapsed: boolean): FlowNode {
  const y = GROUP_CARD.height / 2 - HANDLE / 2
  const size = collapsed ? GROUP_CARD : { width: frame.width, height: frame.height }
  const at = (x: number): HandleBox[] => (collapsed ? [{ port: GROUP_PORT, x: x - HANDLE / 2, y }] : [])
  return {
    id,
    type: collapsed ? 'folded' : 'group',
    position: { x: frame.x, y: frame.y },
    zIndex: collapsed ? 0 : -2,
    // An open frame is taken by its head only: what happens inside it is the canvas's.
    selectable: collapsed,
    connectable: false,
    ...(scope === null ? {} : { parentNode: scope }),
    ...preset({ size, inputs: at(0), outputs: at(size.width) }, id),
  }
}

/** Drawn positions back into the document; nothing else of Vue Flow's is ever saved. */
export function fromFlow(
  definition: Definition,
  nodes: readonly { id: string; position: Position }[],
): Definition {
  return move(
    definition,
    new Map(nodes.map(({ id, position }) => [id, { x: position.x, y: position.y }])),
  )
}

function flowNode(node: Node, types: NodeTypes): FlowNode {
  const type = types.get(node.type)
  return {
    id: node.id,
    type: isContainer(node, type) ? 'container' : 'card',
    position: ORIGIN,
    ...preset(geometryOf(node, type), node.id),
  }
}

function preset(geometry: Geometry, nodeId = ''): Record<string, unknown> {
  const handle = (kind: 'source' | 'target') => (box: HandleBox) => ({
    id: kind === 'source' ? sourceHandle(box.port) : targetHandle(box.port),
    type: kind,
    nodeId,
    position: kind === 'source' ? Side.Right : Side.Left,
    x: box.x,
    y: box.y,
    width: HANDLE,
    height: HANDLE,
  })
  const ports = [...geometry.inputs, ...geometry.outputs].map(({ port }) => port)
  return {
    // Vue Flow overwrites handleBounds with what it measures; this tells when they must change.
    data: { shape: [geometry.size.width, geometry.size.height, ...ports].join(' ') },
    dimensions: { ...geometry.size },
    handleBounds: {
      source: geometry.outputs.map(handle('source')),
      target: geometry.inputs.map(handle('target')),
    },
  }
}
