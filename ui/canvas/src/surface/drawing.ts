/** Keeps Vue Flow's store equal to the document, changing only what differs. */
import type {
  ConnectionLookup,
  EdgeChange,
  GraphEdge,
  GraphNode,
  HandleConnection,
  NodeChange,
  VueFlowStore,
} from '@vue-flow/core'
import { markRaw, toRaw } from 'vue'
import type { Definition } from '../seam'
import type { NodeTypes } from '../document/ports'
import { cornersOf, toFlow, type FlowEdge, type FlowNode, type FlowParts } from './flow'

/** Above this many, only what is in view is mounted. */
export const MANY = 150

/**
 * Vue Flow's own ways to add, remove and change search all nodes for each one, through Vue's
 * proxies. Here whole lists are put in its store, and changes are looked up by their ids.
 */
export class Drawing {
  private nodes: ReadonlyMap<string, FlowNode> = new Map()
  private edges: ReadonlyMap<string, FlowEdge> = new Map()

  /** `flow` must not apply changes itself (`applyDefault: false`). */
  constructor(private readonly flow: VueFlowStore) {
    measureLess(flow)
    flow.onNodesChange((changes) => this.follow(changes))
    flow.onEdgesChange((changes) => this.select(changes))
  }

  draw(
    definition: Definition,
    types: NodeTypes,
    isCollapsed?: (groupId: string) => boolean,
  ): void {
    const parts = toFlow(definition, types, isCollapsed)
    const nodes = new Map(parts.nodes.map((node) => [node.id, node]))
    const edges = new Map(parts.edges.map((edge) => [edge.id, edge]))
    const lost = [...this.nodes.keys()].some((id) => !nodes.has(id))
    // No edge may stand there without its ends, not even for a moment.
    if (lost) this.putEdges([...this.edges.values()].filter((edge) => edges.get(edge.id) === edge))
    if (!sameList(nodes.keys(), this.nodes.keys())) this.putNodes(parts)
    for (const node of parts.nodes) this.update(node)
    this.place(parts.nodes)
    if (lost || !sameList(edges.values(), this.edges.values())) this.putEdges(parts.edges)
    this.nodes = nodes
    this.edges = edges
  }

  private putNodes({ nodes }: FlowParts): void {
    const parents = new Set(nodes.map((node) => node.parentNode))
    this.flow.nodes.value = nodes.map((node) => {
      const drawn = this.flow.findNode(node.id)
      if (!drawn) return graphNode(node, parents.has(node.id))
      // A group that is opened holds what was not drawn before.
      if (parents.has(node.id) && !toRaw(drawn).isParent) drawn.isParent = true
      return toRaw(drawn)
    })
  }

  private putEdges(edges: readonly FlowEdge[]): void {
    this.flow.edges.value = edges.map((edge) => {
      const drawn = this.flow.findEdge(edge.id)
      if (drawn && this.edges.get(edge.id) === edge) return toRaw(drawn)
      return graphEdge(edge, drawn?.selected ?? false, this.flow)
    })
    this.flow.connectionLookup.value = connectionsOf(edges)
  }

  /** In place: a mounted node keeps the object it began with, even if another has its id. */
  private update(next: FlowNode): void {
    const drawn = this.flow.findNode(next.id)
    if (!drawn) return
    const now = toRaw(drawn)
    const { x, y } = next.position
    if (now.position.x !== x || now.position.y !== y) drawn.position = markRaw({ x, y })
    const before = this.nodes.get(next.id)
    if (!before || before === next) return
    if (now.type !== next.type) {
      drawn.type = next.type
      drawn.zIndex = next.zIndex ?? 0
      drawn.selectable = next.selectable ?? true
    }
    if (now.parentNode !== next.parentNode) {
      drawn.parentNode = next.parentNode
      const parent = this.flow.findNode(next.parentNode)
      if (parent) parent.isParent = true
    }
    if (before.shape !== next.shape) {
      drawn.dimensions = markRaw({ ...next.dimensions })
      drawn.handleBounds = markRaw({ ...next.handleBounds })
    }
  }

  /** Vue Flow computes absolute positions in mounted nodes only; the others need them too. */
  private place(nodes: readonly FlowNode[]): void {
    for (const [id, corner] of cornersOf(nodes)) {
      const drawn = this.flow.findNode(id)
      if (!drawn) continue
      const now = toRaw(drawn).computedPosition
      if (now.x !== corner.x || now.y !== corner.y) {
        drawn.computedPosition = markRaw({ ...now, ...corner })
      }
    }
  }

  /** What gestures do to nodes. They neither add nor remove any: the document does. */
  private follow(changes: readonly NodeChange[]): void {
    for (const change of changes) {
      if (change.type === 'add' || change.type === 'remove') continue
      const node = this.flow.findNode(change.id)
      if (!node) continue
      if (change.type === 'select') node.selected = change.selected
      else if (change.type === 'position') {
        if (change.position) node.position = markRaw({ ...change.position })
        if (change.dragging !== undefined) node.dragging = change.dragging
      } else if (change.dimensions) node.dimensions = markRaw({ ...change.dimensions })
    }
  }

  private select(changes: readonly EdgeChange[]): void {
    for (const change of changes) {
      const edge = change.type === 'select' ? this.flow.findEdge(change.id) : undefined
      if (edge && change.type === 'select') edge.selected = change.selected
    }
  }
}

/** Sizes and handles are preset; only a node that is being resized by hand differs from them. */
function measureLess(flow: VueFlowStore): void {
  const measure = flow.updateNodeDimensions
  const updateNodeDimensions: typeof measure = (updates) =>
    measure(
      updates.filter(({ id, nodeElement: { offsetWidth, offsetHeight } }) => {
        const preset = toRaw(flow.findNode(id))?.dimensions
        return preset && (offsetWidth !== preset.width || offsetHeight !== preset.height)
      }),
    )
  Object.assign(flow, { updateNodeDimensions })
}

function graphNode(node: FlowNode, isParent: boolean): GraphNode {
  const { x, y } = node.position
  return {
    id: node.id,
    type: node.type,
    parentNode: node.parentNode,
    ...(node.zIndex === undefined ? {} : { zIndex: node.zIndex }),
    ...(node.selectable === undefined ? {} : { selectable: node.selectable }),
    ...(node.connectable === undefined ? {} : { connectable: node.connectable }),
    position: markRaw({ x, y }),
    computedPosition: markRaw({ x, y, z: node.zIndex ?? 0 }),
    dimensions: markRaw({ ...node.dimensions }),
    handleBounds: markRaw({ ...node.handleBounds }),
    selected: false,
    dragging: false,
    resizing: false,
    isParent,
    data: NOTHING,
    events: NOTHING,
  }
}

function graphEdge(edge: FlowEdge, selected: boolean, flow: VueFlowStore): GraphEdge {
  return {
    ...edge,
    selected,
    sourceNode: flow.findNode(edge.source)!,
    targetNode: flow.findNode(edge.target)!,
    sourceX: 0,
    sourceY: 0,
    targetX: 0,
    targetY: 0,
    data: edge.data ?? NOTHING,
    events: NOTHING,
  }
}

/** By node, for the frame that selects edges with its nodes; Vue Flow's other keys serve nobody here. */
function connectionsOf(edges: readonly FlowEdge[]): ConnectionLookup {
  const found: ConnectionLookup = new Map()
  for (const { id: edgeId, source, target, sourceHandle, targetHandle } of edges) {
    for (const node of [source, target]) {
      const known = found.get(node) ?? new Map<string, HandleConnection>()
      known.set(edgeId, { edgeId, source, target, sourceHandle, targetHandle })
      found.set(node, known)
    }
  }
  return found
}

const NOTHING = markRaw({})

function sameList(a: Iterable<unknown>, b: Iterable<unknown>): boolean {
  const others = [...b]
  const items = [...a]
  return items.length === others.length && items.every((item, at) => item === others[at])
}
