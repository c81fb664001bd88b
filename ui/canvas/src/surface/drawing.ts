/** Keeps Vue Flow's store equal to the document, changing only what differs. */
import type { Edge as FlowEdge, GraphNode, Node as FlowNode, VueFlowStore } from '@vue-flow/core'
import type { Definition, Position, Size } from '../seam'
import type { NodeTypes } from '../document/ports'
import { toFlow } from './flow'

/** Above this many, only what is in view is mounted. */
export const MANY = 150

type Preset = FlowNode<{ readonly shape: string }> & {
  dimensions: Size
  handleBounds: GraphNode['handleBounds']
}

export class Drawing {
  private nodes = new Map<string, Preset>()
  private edges = new Map<string, FlowEdge>()

  constructor(private readonly flow: VueFlowStore) {}

  get size(): number {
    return this.nodes.size
  }

  draw(definition: Definition, types: NodeTypes, isCollapsed: (groupId: string) => boolean): void {
    const parts = toFlow(definition, types, isCollapsed)
    const nodes = new Map(parts.nodes.map((node) => [node.id, node as Preset]))
    const edges = new Map(parts.edges.map((edge) => [edge.id, edge]))
    const gone = [...this.nodes.keys()].filter((id) => !nodes.has(id))
    const lost = new Set(gone)
    const cut = [...this.edges.values()]
      .filter(
        (edge) =>
          !sameEnds(edge, edges.get(edge.id)) || lost.has(edge.source) || lost.has(edge.target),
      )
      .map((edge) => edge.id)
    const dropped = new Set(cut)
    if (cut.length) this.flow.removeEdges(cut)
    if (gone.length) this.flow.removeNodes(gone, false, false)
    const added = parts.nodes.filter((node) => !this.nodes.has(node.id))
    if (added.length) this.flow.addNodes(added)
    for (const node of nodes.values()) this.update(node)
    this.place(parts.nodes as Preset[])
    const tied = parts.edges.filter((edge) => !this.edges.has(edge.id) || dropped.has(edge.id))
    if (tied.length) this.flow.addEdges(tied)
    this.nodes = nodes
    this.edges = edges
  }

  /** In place: a mounted node keeps the object it began with, even if another has its id. */
  private update(next: Preset): void {
    const drawn = this.flow.findNode(next.id)
    const before = this.nodes.get(next.id)
    if (!drawn || !before) return
    if (drawn.type !== next.type) {
      drawn.type = next.type ?? 'card'
      drawn.zIndex = next.zIndex ?? 0
      drawn.selectable = next.selectable ?? true
    }
    if (drawn.parentNode !== next.parentNode) {
      drawn.parentNode = next.parentNode
      const parent = this.flow.findNode(next.parentNode)
      if (parent) parent.isParent = true
    }
    const { x, y } = next.position
    if (drawn.position.x !== x || drawn.position.y !== y) drawn.position = { x, y }
    if (before.data?.shape !== next.data?.shape) {
      drawn.dimensions = { ...next.dimensions }
      drawn.handleBounds = { ...next.handleBounds }
    }
  }

  /** Vue Flow computes absolute positions in mounted nodes only; the others need them too. */
  private place(nodes: readonly Preset[]): void {
    const corners = new Map<string, Position>()
    for (const node of nodes) {
      const outer = node.parentNode === undefined ? undefined : corners.get(node.parentNode)
      const corner = {
        x: node.position.x + (outer?.x ?? 0),
        y: node.position.y + (outer?.y ?? 0),
      }
      corners.set(node.id, corner)
      const drawn = this.flow.findNode(node.id)
      if (!drawn) continue
      const { x, y } = drawn.computedPosition
      if (x !== corner.x || y !== corner.y) {
        drawn.computedPosition = { ...drawn.computedPosition, ...corner }
      }
    }
  }
}

function sameEnds(a: FlowEdge, b: FlowEdge | undefined): boolean {
  return (
    b !== undefined &&
    a.source === b.source &&
    a.target === b.target &&
    a.sourceHandle === b.sourceHandle &&
    a.targetHandle === b.targetHandle
  )
}
