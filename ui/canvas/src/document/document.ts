/**
 * Changes to a Definition: every function returns a new one that shares all it did not touch.
 *
 * A *scope* is the graph a node lives in: `null` for the top level, else its container's id.
 */
import type { Body, Definition, Edge, Group, Node, NodePatch, Note, Position, Size } from '../seam'

export type Scope = string | null

export interface Place {
  readonly node: Node
  readonly scope: Scope
}

/** Server defaults, so that a sparse node and a written-out one are alike to the editor. */
export const ORIGIN: Position = Object.freeze({ x: 0, y: 0 })
export const DEFAULT_NOTE_SIZE: Size = Object.freeze({ width: 240, height: 120 })
export const DEFAULT_PORT = { source: 'out', target: 'in' } as const

const indexes = new WeakMap<Definition, ReadonlyMap<string, Place>>()

/** Every node, bodies included, by id, in document order, with the scope it lives in. */
export function places(definition: Definition): ReadonlyMap<string, Place> {
  const known = indexes.get(definition)
  if (known) return known
  const index = new Map<string, Place>()
  const visit = (body: Body, scope: Scope): void => {
    for (const node of body.nodes ?? []) {
      index.set(node.id, { node, scope })
      if (node.body) visit(node.body, node.id)
    }
  }
  visit(definition, null)
  indexes.set(definition, index)
  return index
}

export function nodeOf(definition: Definition, id: string): Node | undefined {
  return places(definition).get(id)?.node
}

export function noteOf(definition: Definition, id: string): Note | undefined {
  return definition.notes?.find((note) => note.id === id)
}

export function scopeOf(definition: Definition, id: string): Scope {
  return places(definition).get(id)?.scope ?? null
}

/** The containers around a node, innermost first. */
export function containersOf(definition: Definition, id: string): readonly string[] {
  const found: string[] = []
  for (let scope = scopeOf(definition, id); scope !== null; scope = scopeOf(definition, scope)) {
    found.push(scope)
  }
  return found
}

export function bodyOf(definition: Definition, scope: Scope): Body {
  return scope === null ? definition : (nodeOf(definition, scope)?.body ?? {})
}

export function edgesOf(definition: Definition): readonly { edge: Edge; scope: Scope }[] {
  const found: { edge: Edge; scope: Scope }[] = []
  for (const edge of definition.edges ?? []) found.push({ edge, scope: null })
  for (const { node } of places(definition).values()) {
    for (const edge of node.body?.edges ?? []) found.push({ edge, scope: node.id })
  }
  return found
}

/** Every group, bodies included, with the scope it lies in. */
export function groupsIn(definition: Definition): readonly { group: Group; scope: Scope }[] {
  const found: { group: Group; scope: Scope }[] = []
  for (const group of definition.groups ?? []) found.push({ group, scope: null })
  for (const { node } of places(definition).values()) {
    for (const group of node.body?.groups ?? []) found.push({ group, scope: node.id })
  }
  return found
}

export function sourcePort(edge: Edge): string {
  return edge.source_port ?? DEFAULT_PORT.source
}

export function targetPort(edge: Edge): string {
  return edge.target_port ?? DEFAULT_PORT.target
}

/** Where a node is drawn, in canvas coordinates. */
export function absolutePosition(definition: Definition, id: string): Position {
  let { x, y } = nodeOf(definition, id)?.position ?? ORIGIN
  for (const container of containersOf(definition, id)) {
    const outer = nodeOf(definition, container)?.position ?? ORIGIN
    x += outer.x
    y += outer.y
  }
  return { x, y }
}

/** Replace the graph of one scope. */
export function mapScope(
  definition: Definition,
  scope: Scope,
  change: (body: Body) => Body,
): Definition {
  if (scope === null) return { ...definition, ...change(definition) }
  return mapNode(definition, scope, (node) => ({ ...node, body: change(node.body ?? {}) }))
}

/** Replace one node wherever it lives. */
export function mapNode(
  definition: Definition,
  id: string,
  change: (node: Node) => Node,
): Definition {
  return mapNodes(definition, new Set([id]), change)
}

export function mapNodes(
  definition: Definition,
  ids: ReadonlySet<string>,
  change: (node: Node) => Node,
): Definition {
  const visit = <B extends Body>(body: B): B => {
    let changed = false
    const nodes = (body.nodes ?? []).map((node) => {
      const inner = node.body ? visit(node.body) : node.body
      let next = inner === node.body ? node : { ...node, body: inner }
      if (ids.has(node.id)) next = change(next)
      if (next !== node) changed = true
      return next
    })
    return changed ? { ...body, nodes } : body
  }
  return visit(definition)
}

export function patchNode(definition: Definition, id: string, patch: NodePatch): Definition {
  return mapNode(definition, id, (node) => {
    const next: Record<string, unknown> = { ...node }
    for (const [key, value] of Object.entries(patch)) {
      if (value === undefined) delete next[key]
      else next[key] = value
    }
    return next as unknown as Node
  })
}

export function addToScope(
  definition: Definition,
  scope: Scope,
  nodes: readonly Node[],
  edges: readonly Edge[] = [],
): Definition {
  return mapScope(definition, scope, (body) => ({
    ...body,
    nodes: [...(body.nodes ?? []), ...nodes],
    edges: [...(body.edges ?? []), ...edges],
  }))
}

export function addEdge(definition: Definition, edge: Edge): Definition {
  return addToScope(definition, scopeOf(definition, edge.source), [], [edge])
}

/** Without these nodes, edges and notes; edges that lose an end go too. */
export function remove(definition: Definition, ids: ReadonlySet<string>): Definition {
  const visit = <B extends Body>(body: B): B => {
    let changed = false
    const nodes: Node[] = []
    for (const node of body.nodes ?? []) {
      if (ids.has(node.id)) {
        changed = true
        continue
      }
      const inner = node.body ? visit(node.body) : node.body
      if (inner !== node.body) changed = true
      nodes.push(inner === node.body ? node : { ...node, body: inner })
    }
    const edges = (body.edges ?? []).filter(
      (edge) => !ids.has(edge.id) && !ids.has(edge.source) && !ids.has(edge.target),
    )
    if (edges.length !== (body.edges ?? []).length) changed = true
    return changed ? { ...body, nodes, edges } : body
  }
  const without = visit(definition)
  const notes = without.notes ?? []
  const kept = notes.filter((note) => !ids.has(note.id))
  return kept.length === notes.length ? without : { ...without, notes: kept }
}

/** Put nodes and notes at positions relative to their scope. */
export function move(definition: Definition, positions: ReadonlyMap<string, Position>): Definition {
  const differs = (id: string, current: Position | undefined): boolean => {
    const next = positions.get(id)
    const { x, y } = current ?? ORIGIN
    return next !== undefined && (next.x !== x || next.y !== y)
  }
  const moved = new Set<string>()
  for (const id of positions.keys()) {
    const node = nodeOf(definition, id)
    if (node && differs(id, node.position)) moved.add(id)
  }
  let next = moved.size
    ? mapNodes(definition, moved, (node) => ({ ...node, position: positions.get(node.id)! }))
    : definition
  if (next.notes?.some((note) => differs(note.id, note.position))) {
    next = {
      ...next,
      notes: next.notes.map((note) =>
        differs(note.id, note.position) ? { ...note, position: positions.get(note.id)! } : note,
      ),
    }
  }
  return next
}

export function resize(definition: Definition, id: string, size: Size): Definition {
  if (noteOf(definition, id)) return patchNote(definition, id, { size })
  return mapNode(definition, id, (node) => ({ ...node, size }))
}

export function patchNote(
  definition: Definition,
  id: string,
  patch: Partial<Omit<Note, 'id'>>,
): Definition {
  return {
    ...definition,
    notes: (definition.notes ?? []).map((note) => (note.id === id ? { ...note, ...patch } : note)),
  }
}

export function addNote(definition: Definition, note: Note): Definition {
  return { ...definition, notes: [...(definition.notes ?? []), note] }
}

/** Move a node into another scope; its edges stay behind, since none may cross a container. */
export function rescope(
  definition: Definition,
  id: string,
  scope: Scope,
  position: Position,
): Definition {
  const node = nodeOf(definition, id)
  if (!node || scope === id || scopeOf(definition, id) === scope) return definition
  if (scope !== null && containersOf(definition, scope).includes(id)) return definition
  return addToScope(remove(definition, new Set([id])), scope, [{ ...node, position }])
}

/** Every id in use: nodes, edges, notes and groups. */
export function usedIds(definition: Definition): Set<string> {
  const used = new Set<string>(places(definition).keys())
  for (const { edge } of edgesOf(definition)) used.add(edge.id)
  for (const note of definition.notes ?? []) used.add(note.id)
  for (const { group } of groupsIn(definition)) used.add(group.id)
  return used
}

/** `base`, or `base_2`, `base_3`, …: ids that read well in `steps.<id>`. */
export function freshId(used: ReadonlySet<string>, base: string): string {
  const stem = base.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^(?=\d)/, 'n') || 'node'
  if (!used.has(stem)) return stem
  for (let n = 2; ; n++) {
    if (!used.has(`${stem}_${n}`)) return `${stem}_${n}`
  }
}

export function freshEdgeId(used: ReadonlySet<string>): string {
  for (let n = used.size + 1; ; n++) {
    if (!used.has(`e${n}`)) return `e${n}`
  }
}

/** Every node that can reach `id` in its scope, nearest first, then its containers' upstreams. */
export function upstreamOf(definition: Definition, id: string): readonly Node[] {
  const found: Node[] = []
  const seen = new Set<string>([id])
  for (const start of [id, ...containersOf(definition, id)]) {
    const edges = bodyOf(definition, scopeOf(definition, start)).edges ?? []
    let front = [start]
    while (front.length) {
      const next: string[] = []
      for (const at of front) {
        for (const edge of edges) {
          if (edge.target !== at || seen.has(edge.source)) continue
          seen.add(edge.source)
          const node = nodeOf(definition, edge.source)
          if (node) found.push(node)
          next.push(edge.source)
        }
      }
      front = next
    }
  }
  return found
}

/** Every node reachable from `id` in its scope, itself not included. */
export function downstreamOf(definition: Definition, id: string): ReadonlySet<string> {
  const edges = bodyOf(definition, scopeOf(definition, id)).edges ?? []
  const targets = new Map<string, string[]>()
  for (const edge of edges) {
    const known = targets.get(edge.source)
    if (known) known.push(edge.target)
    else targets.set(edge.source, [edge.target])
  }
  const found = new Set<string>()
  const stack = [...(targets.get(id) ?? [])]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (found.has(at)) continue
    found.add(at)
    stack.push(...(targets.get(at) ?? []))
  }
  return found
}
