/** Folds a run's events into what is known of each step; knows neither Vue nor the network. */
import type { Failure, JsonObject, NodeRunState, RunEvent } from '../seam'
import { cardOf } from './card'
import { applyToRun, noFacts, type RunFacts } from './facts'
import { InnerSteps, Loops } from './loops'
import {
  applyToStep,
  asks,
  containerOf,
  ENDED,
  isUndone,
  newStep,
  numberOf,
  type StepRecord,
} from './steps'

export { containerOf, iterationLabel, type StepRecord, type StepUsage } from './steps'
export type { Pause, RunFacts } from './facts'

export interface LogLine {
  readonly seq: number
  readonly at: string
  readonly level: string
  readonly message: string
  readonly nodeId: string | null
  readonly path: string | null
  /** Set where an attempt failed and another follows: its number, and after how long. */
  readonly next?: { readonly attempt: number; readonly delayMs: number }
}

export class RunRecord {
  lastSeq = 0
  facts: RunFacts = noFacts()
  readonly logs: LogLine[] = []
  /** Steps outside of containers that ended, for the progress bar. */
  ended = 0
  private readonly byKey = new Map<string, StepRecord>()
  private readonly byNode = new Map<string, StepRecord[]>()
  private readonly loops = new Loops()
  private readonly inner = new InnerSteps()

  /** Take one event. Returns the ids of the nodes that look different now, or null for a repeat. */
  apply(event: RunEvent): readonly string[] | null {
    const seq = event.seq ?? null
    if (seq !== null) {
      if (seq <= this.lastSeq) return null
      this.lastSeq = seq
    }
    const data: JsonObject = event.data ?? {}
    if (event.kind.startsWith('run.')) return this.applyRun(event, data)
    if (event.kind === 'log') this.addLog(event, data)
    if (event.node_id === undefined) return []
    const touched = this.applyStep(event, event.node_id, data)
    if (event.kind === 'step.retrying') this.addRetry(event, data)
    return touched
  }

  private applyRun(event: RunEvent, data: JsonObject): readonly string[] {
    const stood = this.stoodAt()
    applyToRun(this.facts, event, data)
    const touched = [...stood, ...this.stoodAt()]
    switch (event.kind) {
      case 'run.paused':
        touched.push(...this.park())
        break
      case 'run.started':
      case 'run.resumed':
        if (data['reason'] === 'retry') touched.push(...this.undo())
        touched.push(...this.unpark())
        break
      case 'run.cancelled':
      case 'run.failed':
        touched.push(...this.closeOpen())
        break
    }
    return touched
  }

  private stoodAt(): readonly string[] {
    return this.facts.pause?.stops.map((stop) => stop.node_id) ?? []
  }

  private applyStep(event: RunEvent, nodeId: string, data: JsonObject): readonly string[] {
    const path = event.path ?? null
    const touched = path !== null && 'node_type' in data ? this.leaveDrawing(path) : []
    const root = this.inner.rootOf(path)
    const step = this.stepFor(nodeId, path, root)
    if (event.step_id !== undefined) step.stepId = event.step_id
    if (event.attempt !== undefined) step.attempt = event.attempt
    const wasEnded = ENDED.has(step.status)
    applyToStep(step, event.kind, Date.parse(event.at), data)
    if (this.facts.status === 'queued' && event.kind === 'step.started')
      this.facts.status = 'running'
    const justEnded = ENDED.has(step.status) && !wasEnded
    if (root !== null) return [...touched, ...drawnIn(root)]
    if (justEnded && path === null) this.ended++
    const container = this.loops.take(step, justEnded)
    return container === null ? [nodeId] : [nodeId, container]
  }

  /** The steps in this path are not of the drawing, though their ids may be. */
  private leaveDrawing(path: string): readonly string[] {
    if (!this.inner.learn(path)) return []
    const moved = [...this.byKey.values()].filter((step) => this.inner.rootOf(step.path) !== null)
    for (const step of moved) this.inner.add(this.inner.rootOf(step.path) ?? path, step)
    this.forget((step) => moved.includes(step))
    return moved.map((step) => step.nodeId)
  }

  private stepFor(nodeId: string, path: string | null, root: string | null): StepRecord {
    const key = path === null ? nodeId : `${path}/${nodeId}`
    let step = this.byKey.get(key)
    if (step === undefined) {
      step = newStep(key, nodeId, path)
      this.byKey.set(key, step)
      if (root !== null) this.inner.add(root, step)
      else {
        const list = this.byNode.get(nodeId)
        if (list === undefined) this.byNode.set(nodeId, [step])
        else list.push(step)
      }
    }
    return step
  }

  private addLog(event: RunEvent, data: JsonObject): void {
    this.logs.push({
      seq: event.seq ?? this.lastSeq,
      at: event.at,
      level: typeof data['level'] === 'string' ? data['level'] : 'info',
      message: String(data['message'] ?? ''),
      nodeId: event.node_id ?? null,
      path: event.path ?? null,
    })
  }

  private addRetry(event: RunEvent, data: JsonObject): void {
    const error = data['error'] as Failure | undefined
    this.logs.push({
      seq: event.seq ?? this.lastSeq,
      at: event.at,
      level: 'warning',
      message: error?.message ?? 'The attempt failed',
      nodeId: event.node_id ?? null,
      path: event.path ?? null,
      next: { attempt: (event.attempt ?? 1) + 1, delayMs: numberOf(data['delay_ms']) ?? 0 },
    })
  }

  /** Nothing is executing any more: what has begun waits, except for what holds waiting steps. */
  private park(): readonly string[] {
    const wakeAt = this.facts.pause?.wakeAt ?? null
    const open = [...this.byKey.values()].filter((step) => step.status === 'running')
    const parked = open.filter((step) => !this.holdsOpen(step))
    for (const step of parked) {
      step.status = 'waiting'
      step.waitsUntil = wakeAt
    }
    return parked.flatMap((step) => this.shownBy(step))
  }

  private holdsOpen(step: StepRecord): boolean {
    const within = `${step.key}[`
    for (const other of this.byKey.values())
      if (!ENDED.has(other.status) && other.path?.startsWith(within)) return true
    return false
  }

  private unpark(): readonly string[] {
    const parked = [...this.byKey.values()].filter(
      (step) => step.status === 'waiting' && !asks(step),
    )
    for (const step of parked) {
      step.status = 'running'
      step.waitsUntil = null
    }
    return parked.flatMap((step) => this.shownBy(step))
  }

  /** A retry: what failed, and what was skipped because of it, has not been done. */
  private undo(): readonly string[] {
    const undone = [...this.byKey.values()].filter(isUndone)
    for (const step of undone) this.byKey.delete(step.key)
    const gone = new Set(undone)
    this.forget((step) => gone.has(step))
    this.inner.drop((step) => gone.has(step))
    this.loops.clear()
    this.ended = 0
    for (const step of this.byKey.values()) {
      if (this.inner.rootOf(step.path) !== null) continue
      this.loops.take(step, ENDED.has(step.status))
      if (step.path === null) this.ended++
    }
    return undone.flatMap((step) => this.shownBy(step))
  }

  private forget(gone: (step: StepRecord) => boolean): void {
    for (const [nodeId, steps] of this.byNode)
      this.byNode.set(
        nodeId,
        steps.filter((step) => !gone(step)),
      )
  }

  /** A run that ended early leaves no spinner behind. */
  private closeOpen(): readonly string[] {
    const open = [...this.byKey.values()].filter((step) => !ENDED.has(step.status))
    for (const step of open) {
      step.status = 'cancelled'
      step.endedAt = this.facts.endedAt
      step.waitsUntil = null
    }
    return open.flatMap((step) => this.shownBy(step))
  }

  /** The drawn nodes on which a step shows. */
  private shownBy(step: StepRecord): readonly string[] {
    const root = this.inner.rootOf(step.path)
    return root === null ? [step.nodeId] : drawnIn(root)
  }

  /** All steps in the order they were first heard of. */
  steps(): readonly StepRecord[] {
    return [...this.byKey.values()]
  }

  /** A drawn node's executions, the iterations of a body in order of their beginning. */
  stepsOf(nodeId: string): readonly StepRecord[] {
    return this.byNode.get(nodeId) ?? []
  }

  /** The steps of the sub-workflow or graph inside a drawn node, at any depth. */
  innerOf(nodeId: string): readonly StepRecord[] {
    return this.inner.of(nodeId)
  }

  /** The drawn node that a step runs inside of, or null for a step of the drawing itself. */
  outerOf(step: StepRecord): string | null {
    const root = this.inner.rootOf(step.path)
    return root === null ? null : (drawnIn(root)[0] ?? null)
  }

  /** The steps in which a person's answer is awaited. */
  asking(): readonly StepRecord[] {
    return [...this.byKey.values()].filter(asks)
  }

  nodeIds(): Iterable<string> {
    return this.byNode.keys()
  }

  /** The last output of a node, for suggestions and previews. */
  outputOf(nodeId: string): { known: boolean; value: unknown } {
    const step = this.stepsOf(nodeId).findLast((one) => one.hasOutput)
    return step === undefined
      ? { known: false, value: undefined }
      : { known: true, value: step.output }
  }

  stateOf(nodeId: string): NodeRunState {
    return cardOf(nodeId, {
      steps: this.stepsOf(nodeId),
      inner: this.inner.of(nodeId),
      counts: this.loops.of(nodeId),
      pause: this.facts.pause,
    })
  }
}

/** The drawn node whose inner steps lie in this path. */
function drawnIn(root: string): readonly string[] {
  const node = containerOf(root)
  return node === null ? [] : [node]
}
