/** The Definition as Vue Flow draws it: bodies become child nodes, sizes and handles are preset. */
import { Position as Side, type HandleElement } from '@vue-flow/core'
import type { Definition, Edge, Group, Node, NodeType, Note, Position, Size } from '../seam'
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

export interface FlowNode {
  readonly id: string
  readonly type: Drawn
  readonly parentNode: string | undefined
  readonly position: Position
  readonly zIndex?: number
  readonly selectable?: boolean
  readonly connectable?: boolean
  readonly dimensions: Size
  readonly handleBounds: { readonly source: HandleElement[]; readonly target: HandleElement[] }
  /** Vue Flow overwrites handleBounds with what it measures; this tells when they must change. */
  readonly shape: string
}

export interface FlowEdge {
  readonly id: string
  readonly type: 'wire'
  readonly source: string
  readonly target: string
  readonly sourceHandle: string
  readonly targetHandle: string
  /** Whose run colours a wire that is joined to a closed group. */
  readonly data?: { readonly source: string; readonly target: string; readonly sourceHandle: string }
}

export interface FlowParts {
  readonly nodes: readonly FlowNode[]
  readonly edges: readonly FlowEdge[]
}

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

/**
 * Parts that did not change since the last call are the same objects. A step or note in a group is
 * drawn relative to its frame, and not at all while the group is closed.
 */
export function toFlow(
  definition: Definition,
  types: NodeTypes,
  isCollapsed: (groupId: string) => boolean = (id) =>
    groupsOf(definition).get(id)?.group.collapsed ?? false,
): FlowParts {
  const nodes: FlowNode[] = []
  const frames = new Map<string, Rect>()
  const hidden = hiddenBy(definition, isCollapsed)
  /** What holds an item, drawn first, and where that is in the item's scope. */
  const holderOf = (id: string, scope: Scope): Holder => {
    const owner = ownerOf(definition, id)
    if (owner === null) return { id: scope ?? undefined, at: ORIGIN }
    let frame = frames.get(owner)
    if (!frame) {
      frame = frameOf(definition, types, owner)
      frames.set(owner, frame)
      const { group } = groupsOf(definition).get(owner)!
      nodes.push(flowGroup(group, frame, scope, isCollapsed(owner)))
    }
    return { id: owner, at: frame }
  }
  for (const { node, scope } of places(definition).values()) {
    if (scope !== null && hidden.has(scope)) continue
    const holder = holderOf(node.id, scope)
    if (!hidden.has(node.id)) nodes.push(flowNode(node, holder, types.get(node.type)))
  }
  for (const note of definition.notes ?? []) {
    const holder = holderOf(note.id, null)
    if (!hidden.has(note.id)) nodes.push(flowNote(note, holder))
  }
  const present = new Set(nodes.map((node) => node.id))
  const edges = edgesOf(definition).flatMap(({ edge }) => {
    const [from, to] = [hidden.get(edge.source), hidden.get(edge.target)]
    const drawn = present.has(from ?? edge.source) && present.has(to ?? edge.target)
    return drawn && (from === undefined || from !== to) ? [flowEdge(edge, from, to)] : []
  })
  return { nodes, edges }
}

/** The closed group that stands for each step or note that is not drawn. */
function hiddenBy(
  definition: Definition,
  isCollapsed: (groupId: string) => boolean,
): ReadonlyMap<string, string> {
  const hidden = new Map<string, string>()
  const groups = groupsOf(definition)
  if (![...groups.keys()].some(isCollapsed)) return hidden
  const closed = (id: string): string | undefined => {
    const owner = ownerOf(definition, id)
    return owner !== null && isCollapsed(owner) ? owner : undefined
  }
  for (const id of places(definition).keys()) {
    const around = [id, ...containersOf(definition, id)].map(closed)
    const outermost = around.findLast((group) => group !== undefined)
    if (outermost !== undefined) hidden.set(id, outermost)
  }
  for (const { id } of definition.notes ?? []) {
    const group = closed(id)
    if (group !== undefined) hidden.set(id, group)
  }
  return hidden
}

/** Where each part stands on the canvas, the places of what holds it added; `moved` overrules. */
export function cornersOf(
  nodes: readonly FlowNode[],
  moved?: ReadonlyMap<string, Position>,
): ReadonlyMap<string, Position> {
  const corners = new Map<string, Position>()
  for (const node of nodes) {
    const { x, y } = moved?.get(node.id) ?? node.position
    const outer = node.parentNode === undefined ? ORIGIN : corners.get(node.parentNode) ?? ORIGIN
    corners.set(node.id, { x: x + outer.x, y: y + outer.y })
  }
  return corners
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

/** A container or a group's frame; on the canvas itself there is none. */
interface Holder {
  readonly id: string | undefined
  readonly at: Position
}

interface Made {
  readonly holder: Holder
  readonly flow: FlowNode
}

interface MadeNode extends Made {
  readonly type: NodeType | undefined
}

interface MadeGroup {
  readonly frame: Rect
  readonly scope: Scope
  readonly flow: FlowNode
}

interface MadeEdge {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly flow: FlowEdge
}

const madeNodes = new WeakMap<Node, MadeNode>()
const madeNotes = new WeakMap<Note, Made>()
const madeGroups = new WeakMap<Group, MadeGroup>()
const madeEdges = new WeakMap<Edge, MadeEdge>()

function sameHolder(a: Holder, b: Holder): boolean {
  return a.id === b.id && a.at.x === b.at.x && a.at.y === b.at.y
}

function within({ at }: Holder, position: Position = ORIGIN): Position {
  return { x: position.x - at.x, y: position.y - at.y }
}

function flowNode(node: Node, holder: Holder, type: NodeType | undefined): FlowNode {
  const made = madeNodes.get(node)
  if (made && sameHolder(made.holder, holder) && made.type === type) return made.flow
  const flow: FlowNode = {
    id: node.id,
    type: isContainer(node, type) ? 'container' : 'card',
    parentNode: holder.id,
    position: within(holder, node.position),
    ...preset(geometryOf(node, type), node.id),
  }
  madeNodes.set(node, { holder, type, flow })
  return flow
}

function flowNote(note: Note, holder: Holder): FlowNode {
  const made = madeNotes.get(note)
  if (made && sameHolder(made.holder, holder)) return made.flow
  const flow: FlowNode = {
    id: note.id,
    type: 'note',
    parentNode: holder.id,
    position: within(holder, note.position),
    zIndex: -1,
    connectable: false,
    ...preset({ size: note.size ?? DEFAULT_NOTE_SIZE, inputs: [], outputs: [] }, note.id),
  }
  madeNotes.set(note, { holder, flow })
  return flow
}

function flowGroup(group: Group, frame: Rect, scope: Scope, collapsed: boolean): FlowNode {
  const made = madeGroups.get(group)
  const type = collapsed ? 'folded' : 'group'
  if (made?.flow.type === type && made.scope === scope && sameRect(made.frame, frame))
    return made.flow
  const size = collapsed ? GROUP_CARD : { width: frame.width, height: frame.height }
  const y = GROUP_CARD.height / 2 - HANDLE / 2
  const port = (x: number): HandleBox[] =>
    collapsed ? [{ port: GROUP_PORT, x: x - HANDLE / 2, y }] : []
  const flow: FlowNode = {
    id: group.id,
    type,
    parentNode: scope ?? undefined,
    position: { x: frame.x, y: frame.y },
    zIndex: collapsed ? 0 : -2,
    // An open frame is taken by its head only: what happens inside it is the canvas's.
    selectable: collapsed,
    connectable: false,
    ...preset({ size, inputs: port(0), outputs: port(size.width) }, group.id),
  }
  madeGroups.set(group, { frame, scope, flow })
  return flow
}

function sameRect(a: Rect, b: Rect): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height
}

/** `from` and `to` are the closed groups that its ends are in. */
function flowEdge(edge: Edge, from: string | undefined, to: string | undefined): FlowEdge {
  const made = madeEdges.get(edge)
  if (made && made.from === from && made.to === to) return made.flow
  const own = sourceHandle(sourcePort(edge))
  const flow: FlowEdge = {
    id: edge.id,
    type: 'wire',
    source: from ?? edge.source,
    target: to ?? edge.target,
    sourceHandle: from === undefined ? own : sourceHandle(GROUP_PORT),
    targetHandle: targetHandle(to === undefined ? targetPort(edge) : GROUP_PORT),
    ...(from === undefined && to === undefined
      ? {}
      : { data: { source: edge.source, target: edge.target, sourceHandle: own } }),
  }
  madeEdges.set(edge, { from, to, flow })
  return flow
}

function preset(
  geometry: Geometry,
  nodeId: string,
): Pick<FlowNode, 'dimensions' | 'handleBounds' | 'shape'> {
  const handle =
    (kind: 'source' | 'target') =>
    (box: HandleBox): HandleElement => ({
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
    dimensions: geometry.size,
    handleBounds: {
      source: geometry.outputs.map(handle('source')),
      target: geometry.inputs.map(handle('target')),
    },
    shape: [geometry.size.width, geometry.size.height, ...ports].join(' '),
  }
}
