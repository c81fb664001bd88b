/** Which steps a run of a part of the drawing executes, found as the server finds them. */
import type { Definition, Edge, Node } from '../seam'
import { sourcePort } from '../document/document'
import { outputPorts, type NodeTypes } from '../document/ports'

export type Part = 'node' | 'until' | 'from'

export interface PartPlan {
  /** What will be executed, in the order of the edges. */
  readonly runs: readonly string[]
  /** A branch decides on the way: not all of them need run. */
  readonly branches: boolean
  /** Steps of the part that are switched off, or that only such steps lead to. */
  readonly skipped: readonly string[]
  /** Steps of the part whose pinned data stands in for them. */
  readonly pinned: readonly string[]
  /** Steps before the part whose data is taken from the last run that has it. */
  readonly taken: readonly string[]
}

/** Null when the step is not at the top level: a body runs with its container. */
export function planPart(
  definition: Definition,
  types: NodeTypes,
  how: Part,
  id: string,
): PartPlan | null {
  const nodes = new Map((definition.nodes ?? []).map((node) => [node.id, node]))
  if (!nodes.has(id)) return null
  const edges = (definition.edges ?? []).filter(
    ({ source, target }) => nodes.has(source) && nodes.has(target),
  )
  const into = grouped(edges, 'target')
  const selected = new Set([id])
  if (how === 'until') reach(id, into, 'source', selected)
  else if (how === 'from') reach(id, grouped(edges, 'source'), 'target', selected)
  const taken = new Set<string>()
  for (const at of selected)
    for (const { source } of into.get(at) ?? []) if (!selected.has(source)) taken.add(source)

  const runs: string[] = []
  const skipped: string[] = []
  const pinned: string[] = []
  const dead = new Set<string>()
  for (const at of inOrder(nodes, into)) {
    const node = nodes.get(at)
    if (node === undefined || !selected.has(at)) continue
    if (isSkipped(node, types, into.get(at) ?? [], dead)) {
      dead.add(at)
      skipped.push(at)
    } else if (node.pinned) pinned.push(at)
    else runs.push(at)
  }
  const parted = new Set([...runs, ...pinned])
  const branches = edges.some(
    (edge) => parted.has(edge.source) && parted.has(edge.target) && decides(nodes, types, edge),
  )
  return { runs, branches, skipped, pinned, taken: [...taken] }
}

function isSkipped(
  node: Node,
  types: NodeTypes,
  arriving: readonly Edge[],
  dead: ReadonlySet<string>,
): boolean {
  if (node.disabled) return true
  if (arriving.length === 0) return false
  const ends = arriving.filter(({ source }) => dead.has(source)).length
  const type = types.get(node.type)
  const join = type?.join_param ?? ''
  const usual = type?.params_schema.properties?.[join]?.default
  const all = join !== '' && (node.params?.[join] ?? usual) === 'all'
  return ends === arriving.length || (all && ends > 0)
}

/** A port of several: whether the run comes along is known only when it is there. */
function decides(nodes: ReadonlyMap<string, Node>, types: NodeTypes, edge: Edge): boolean {
  const node = nodes.get(edge.source)
  if (node === undefined || node.pinned) return false
  const ports = outputPorts(node, types.get(node.type))
  return ports.length > 1 && ports.some(({ name }) => name === sourcePort(edge))
}

function grouped(edges: readonly Edge[], by: 'source' | 'target'): Map<string, Edge[]> {
  const found = new Map<string, Edge[]>()
  for (const edge of edges) {
    const known = found.get(edge[by])
    if (known) known.push(edge)
    else found.set(edge[by], [edge])
  }
  return found
}

function reach(
  from: string,
  edges: ReadonlyMap<string, readonly Edge[]>,
  end: 'source' | 'target',
  found: Set<string>,
): void {
  const waiting = [from]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const edge of edges.get(at) ?? []) {
      if (found.has(edge[end])) continue
      found.add(edge[end])
      waiting.push(edge[end])
    }
  }
}

/** Sources before targets; a circle, which cannot be run, keeps the order of the document. */
function inOrder(
  nodes: ReadonlyMap<string, Node>,
  into: ReadonlyMap<string, readonly Edge[]>,
): readonly string[] {
  const done = new Set<string>()
  const ordered: string[] = []
  for (const start of nodes.keys()) {
    const stack = done.has(start) ? [] : [start]
    const open = new Set(stack)
    for (let at = stack.at(-1); at !== undefined; at = stack.at(-1)) {
      const next = (into.get(at) ?? []).find(
        ({ source }) => !done.has(source) && !open.has(source),
      )?.source
      if (next !== undefined) {
        open.add(next)
        stack.push(next)
        continue
      }
      stack.pop()
      done.add(at)
      ordered.push(at)
    }
  }
  return ordered
}

const NAMED = 6

/** In words: `will run 3 steps: A, B, C`. */
export function tellPart(plan: PartPlan, titleOf: (id: string) => string): string {
  const count = plan.runs.length
  const steps = count === 1 ? '1 step' : `${plan.branches ? 'up to ' : ''}${count} steps`
  const parts = [
    count === 0 ? 'Nothing will run' : `Will run ${steps}: ${listed(plan.runs, titleOf)}`,
  ]
  if (plan.taken.length) parts.push(`takes the last data of ${listed(plan.taken, titleOf)}`)
  if (plan.pinned.length) parts.push(`uses the pinned data of ${listed(plan.pinned, titleOf)}`)
  if (plan.skipped.length) parts.push(`skips ${listed(plan.skipped, titleOf)}`)
  return `${parts.join('; ')}.`
}

function listed(ids: readonly string[], titleOf: (id: string) => string): string {
  const names = ids.slice(0, NAMED).map(titleOf)
  const more = ids.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ')
}
