/** The Definition as Vue Flow draws it: bodies become child nodes, sizes and handles are preset. */
import { Position as Side, type Edge as FlowEdge, type Node as FlowNode } from '@vue-flow/core'
import type { Definition, Node, Position } from '../seam'
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

export function toFlow(definition: Definition, types: NodeTypes): FlowParts {
  const nodes: FlowNode[] = []
  for (const { node, scope } of places(definition).values()) {
    nodes.push(flowNode(node, scope, types))
  }
  for (const note of definition.notes ?? []) {
    nodes.push({
      id: note.id,
      type: 'note',
      position: { ...(note.position ?? ORIGIN) },
      zIndex: -1,
      connectable: false,
      ...preset({ size: note.size ?? DEFAULT_NOTE_SIZE, inputs: [], outputs: [] }),
    })
  }
  const present = new Set(nodes.map((node) => node.id))
  const edges = edgesOf(definition)
    .filter(({ edge }) => present.has(edge.source) && present.has(edge.target))
    .map(({ edge }) => ({
      id: edge.id,
      type: 'wire',
      source: edge.source,
      target: edge.target,
      sourceHandle: sourceHandle(sourcePort(edge)),
      targetHandle: targetHandle(targetPort(edge)),
    }))
  return { nodes, edges }
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

function flowNode(node: Node, scope: Scope, types: NodeTypes): FlowNode {
  const type = types.get(node.type)
  const flow: FlowNode = {
    id: node.id,
    type: isContainer(node, type) ? 'container' : 'card',
    position: { ...(node.position ?? ORIGIN) },
    ...preset(geometryOf(node, type), node.id),
  }
  if (scope !== null) flow.parentNode = scope
  return flow
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
