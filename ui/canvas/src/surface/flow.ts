/** The Definition as Vue Flow draws it: bodies become child nodes, sizes and handles are preset. */
import { Position as Side, type HandleElement } from '@vue-flow/core'
import type { Definition, Edge, Node, NodeType, Note, Position, Size } from '../seam'
import {
  DEFAULT_NOTE_SIZE,
  ORIGIN,
  edgesOf,
  move,
  places,
  sourcePort,
  targetPort,
  type Scope,
} from '../document/document'
import {
  HANDLE,
  geometryOf,
  isContainer,
  type Geometry,
  type HandleBox,
} from '../document/geometry'
import type { NodeTypes } from '../document/ports'

export type Drawn = 'card' | 'container' | 'note'

export interface FlowNode {
  readonly id: string
  readonly type: Drawn
  readonly parentNode: string | undefined
  readonly position: Position
  readonly zIndex?: number
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

/** Parts that did not change since the last call are the same objects. */
export function toFlow(definition: Definition, types: NodeTypes): FlowParts {
  const nodes: FlowNode[] = []
  for (const { node, scope } of places(definition).values()) {
    nodes.push(flowNode(node, scope, types.get(node.type)))
  }
  for (const note of definition.notes ?? []) nodes.push(flowNote(note))
  const present = new Set(nodes.map((node) => node.id))
  const edges = edgesOf(definition)
    .filter(({ edge }) => present.has(edge.source) && present.has(edge.target))
    .map(({ edge }) => flowEdge(edge))
  return { nodes, edges }
}

/** Where each part stands on the canvas, its containers' places added; `moved` overrules. */
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

interface Made {
  readonly scope: Scope
  readonly type: NodeType | undefined
  readonly flow: FlowNode
}

const madeNodes = new WeakMap<Node, Made>()
const madeNotes = new WeakMap<Note, FlowNode>()
const madeEdges = new WeakMap<Edge, FlowEdge>()

function flowNode(node: Node, scope: Scope, type: NodeType | undefined): FlowNode {
  const made = madeNodes.get(node)
  if (made && made.scope === scope && made.type === type) return made.flow
  const flow: FlowNode = {
    id: node.id,
    type: isContainer(node, type) ? 'container' : 'card',
    parentNode: scope ?? undefined,
    position: node.position ?? ORIGIN,
    ...preset(geometryOf(node, type), node.id),
  }
  madeNodes.set(node, { scope, type, flow })
  return flow
}

function flowNote(note: Note): FlowNode {
  const made = madeNotes.get(note)
  if (made) return made
  const flow: FlowNode = {
    id: note.id,
    type: 'note',
    parentNode: undefined,
    position: note.position ?? ORIGIN,
    zIndex: -1,
    connectable: false,
    ...preset({ size: note.size ?? DEFAULT_NOTE_SIZE, inputs: [], outputs: [] }, note.id),
  }
  madeNotes.set(note, flow)
  return flow
}

function flowEdge(edge: Edge): FlowEdge {
  const made = madeEdges.get(edge)
  if (made) return made
  const flow: FlowEdge = {
    id: edge.id,
    type: 'wire',
    source: edge.source,
    target: edge.target,
    sourceHandle: sourceHandle(sourcePort(edge)),
    targetHandle: targetHandle(targetPort(edge)),
  }
  madeEdges.set(edge, flow)
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
