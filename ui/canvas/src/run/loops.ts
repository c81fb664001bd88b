/** Counts a container's iterations, and the steps that run inside a sub-workflow or a graph. */
import { containerOf, ENDED, prefixesOf, type StepRecord } from './steps'

export interface Counts {
  readonly started: number
  readonly done: number
  readonly failed: number
}

/** What a container's body reported: per iteration path, how many of its nodes have ended. */
interface Loop {
  readonly nodes: Set<string>
  readonly ended: Map<string, number>
  readonly failed: Set<string>
}

export class Loops {
  private readonly loops = new Map<string, Loop>()

  /** Hear of a step; returns the container whose look it may change. */
  take(step: StepRecord, justEnded: boolean): string | null {
    const container = containerOf(step.path)
    if (step.path === null || container === null) return null
    let loop = this.loops.get(container)
    if (loop === undefined) {
      loop = { nodes: new Set(), ended: new Map(), failed: new Set() }
      this.loops.set(container, loop)
    }
    loop.nodes.add(step.nodeId)
    const ended = loop.ended.get(step.path) ?? 0
    loop.ended.set(step.path, justEnded ? ended + 1 : ended)
    if (step.status === 'failed') loop.failed.add(step.path)
    return container
  }

  clear(): void {
    this.loops.clear()
  }

  /** An iteration is done when all nodes of the body that were ever heard of ended in it. */
  of(container: string): Counts | null {
    const loop = this.loops.get(container)
    if (loop === undefined) return null
    let done = 0
    for (const [path, ended] of loop.ended)
      if (ended >= loop.nodes.size && !loop.failed.has(path)) done++
    return { started: loop.ended.size, done, failed: loop.failed.size }
  }
}

/** The steps that the drawing does not hold, by the drawn node that they run inside of. */
export class InnerSteps {
  private readonly paths = new Set<string>()
  private readonly byNode = new Map<string, StepRecord[]>()

  /** The outermost path of it that lies outside of the drawing, or null within the drawing. */
  rootOf(path: string | null): string | null {
    if (path === null || this.paths.size === 0) return null
    return prefixesOf(path).find((prefix) => this.paths.has(prefix)) ?? null
  }

  /** True when this path was not known to lie outside of the drawing. */
  learn(path: string): boolean {
    if (this.rootOf(path) !== null) return false
    this.paths.add(path)
    return true
  }

  add(root: string, step: StepRecord): void {
    const node = containerOf(root)
    if (node === null) return
    const list = this.byNode.get(node)
    if (list === undefined) this.byNode.set(node, [step])
    else if (!list.includes(step)) list.push(step)
  }

  drop(gone: (step: StepRecord) => boolean): void {
    for (const [node, steps] of this.byNode)
      this.byNode.set(
        node,
        steps.filter((step) => !gone(step)),
      )
  }

  of(nodeId: string): readonly StepRecord[] {
    return this.byNode.get(nodeId) ?? []
  }
}

export function countOf(steps: readonly StepRecord[]): Counts {
  let done = 0
  let failed = 0
  for (const step of steps) {
    if (step.status === 'failed') failed++
    else if (ENDED.has(step.status)) done++
  }
  return { started: steps.length, done, failed }
}
