/** Folds a run's events into what is known of each step; knows neither Vue nor the network. */
import type { Failure, JsonObject, NodeRunState, RunEvent, RunStatus, StepStatus } from '../seam'
import { IDLE } from '../seam'
import { summarise } from './summary'

export interface StepUsage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_usd?: string | null
}

/** One execution of one node; in a container's body there is one for each iteration. */
export interface StepRecord {
  readonly key: string
  stepId: string
  nodeId: string
  /** The iteration path, such as `loop[3]`, or null outside of containers. */
  path: string | null
  status: StepStatus
  attempt: number
  startedAt: number | null
  endedAt: number | null
  durationMs: number | null
  sizeBytes: number | null
  output: unknown
  hasOutput: boolean
  ports: readonly string[]
  error: Failure | null
  usage: StepUsage | null
  tokens: string
  model: string | null
  /** Why it was skipped. */
  reason: string | null
}

export interface LogLine {
  readonly seq: number
  readonly at: string
  readonly level: string
  readonly message: string
  readonly nodeId: string | null
  readonly path: string | null
}

export interface RunFacts {
  status: RunStatus | null
  total: number
  startedAt: number | null
  endedAt: number | null
  durationMs: number | null
  outputs: unknown
  error: Failure | null
  reason: string | null
}

/** What a container's body reported: per iteration path, how many of its nodes have ended. */
interface Loop {
  readonly nodes: Set<string>
  readonly ended: Map<string, number>
  readonly failed: Set<string>
}

/** How much streamed text a card shows; the panel has all of it. */
const CARD_TOKENS = 400

const ENDED: ReadonlySet<StepStatus> = new Set(['completed', 'failed', 'skipped', 'cancelled'])

export class RunRecord {
  lastSeq = 0
  facts: RunFacts = noFacts()
  readonly logs: LogLine[] = []
  /** Steps outside of containers that ended, for the progress bar. */
  ended = 0
  private readonly byKey = new Map<string, StepRecord>()
  private readonly byNode = new Map<string, StepRecord[]>()
  private readonly loops = new Map<string, Loop>()

  /** Take one event. Returns the ids of the nodes that look different now, or null for a repeat. */
  apply(event: RunEvent): readonly string[] | null {
    const seq = event.seq ?? null
    if (seq !== null) {
      if (seq <= this.lastSeq) return null
      this.lastSeq = seq
    }
    const data: JsonObject = event.data ?? {}
    if (event.kind.startsWith('run.')) {
      this.applyRun(event, data)
      return event.kind === 'run.cancelled' || event.kind === 'run.failed' ? this.closeOpen() : []
    }
    if (event.node_id === undefined) {
      if (event.kind === 'log') this.addLog(event, data)
      return []
    }
    return this.applyStep(event, event.node_id, data)
  }

  private applyRun(event: RunEvent, data: JsonObject): void {
    const facts = this.facts
    const at = Date.parse(event.at)
    switch (event.kind) {
      case 'run.queued':
        facts.status = 'queued'
        break
      case 'run.started':
        facts.status = 'running'
        facts.startedAt ??= at
        if (typeof data['total'] === 'number') facts.total = data['total']
        break
      case 'run.paused':
        facts.status = 'paused'
        break
      case 'run.resumed':
        facts.status = 'running'
        break
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        facts.status = event.kind.slice(4) as RunStatus
        facts.endedAt = at
        facts.durationMs = numberOf(data['duration_ms'])
        if ('outputs' in data) facts.outputs = data['outputs']
        if (data['error']) facts.error = data['error'] as Failure
        if (typeof data['reason'] === 'string') facts.reason = data['reason']
        break
    }
  }

  private applyStep(event: RunEvent, nodeId: string, data: JsonObject): readonly string[] {
    const path = event.path ?? null
    const step = this.stepFor(nodeId, path)
    const at = Date.parse(event.at)
    if (event.step_id !== undefined) step.stepId = event.step_id
    if (event.attempt !== undefined) step.attempt = event.attempt
    const iteration = this.loopOf(step)
    const wasEnded = ENDED.has(step.status)
    switch (event.kind) {
      case 'step.started':
        step.status = 'running'
        step.startedAt ??= at
        break
      case 'step.retrying':
        step.status = 'retrying'
        step.error = (data['error'] as Failure | undefined) ?? null
        step.tokens = ''
        break
      case 'step.completed':
        step.status = 'completed'
        step.output = data['output']
        step.hasOutput = 'output' in data
        step.ports = (data['ports'] as string[] | undefined) ?? []
        step.sizeBytes = numberOf(data['size_bytes'])
        step.usage = (data['usage'] as StepUsage | null | undefined) ?? step.usage
        step.error = (data['error'] as Failure | null | undefined) ?? null
        this.end(step, at, data)
        break
      case 'step.failed':
        step.status = 'failed'
        step.error = (data['error'] as Failure | undefined) ?? null
        this.end(step, at, data)
        break
      case 'step.skipped':
        step.status = 'skipped'
        step.reason = typeof data['reason'] === 'string' ? data['reason'] : null
        this.end(step, at, data)
        break
      case 'step.cancelled':
        step.status = 'cancelled'
        this.end(step, at, data)
        break
      case 'llm.started':
        step.model = typeof data['model'] === 'string' ? data['model'] : step.model
        break
      case 'llm.token':
        if (!ENDED.has(step.status)) step.tokens += String(data['text'] ?? '')
        break
      case 'llm.completed':
        step.usage = (data['usage'] as StepUsage | undefined) ?? step.usage
        break
      case 'log':
        this.addLog(event, data)
        break
    }
    const justEnded = ENDED.has(step.status) && !wasEnded
    if (justEnded && path === null) this.ended++
    if (iteration === null) return [nodeId]
    if (justEnded)
      iteration.loop.ended.set(iteration.path, (iteration.loop.ended.get(iteration.path) ?? 0) + 1)
    if (step.status === 'failed') iteration.loop.failed.add(iteration.path)
    return [nodeId, iteration.container]
  }

  private end(step: StepRecord, at: number, data: JsonObject): void {
    step.endedAt = at
    step.durationMs = numberOf(data['duration_ms'])
    step.startedAt ??= at - (step.durationMs ?? 0)
  }

  private stepFor(nodeId: string, path: string | null): StepRecord {
    const key = path === null ? nodeId : `${path}/${nodeId}`
    let step = this.byKey.get(key)
    if (step === undefined) {
      step = newStep(key, nodeId, path)
      this.byKey.set(key, step)
      const list = this.byNode.get(nodeId)
      if (list === undefined) this.byNode.set(nodeId, [step])
      else list.push(step)
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

  private loopOf(step: StepRecord): { loop: Loop; path: string; container: string } | null {
    const container = containerOf(step.path)
    if (step.path === null || container === null) return null
    let loop = this.loops.get(container)
    if (loop === undefined) {
      loop = { nodes: new Set(), ended: new Map(), failed: new Set() }
      this.loops.set(container, loop)
    }
    loop.nodes.add(step.nodeId)
    if (!loop.ended.has(step.path)) loop.ended.set(step.path, 0)
    return { loop, path: step.path, container }
  }

  /** A run that ended early leaves no spinner behind. */
  private closeOpen(): readonly string[] {
    const touched: string[] = []
    for (const step of this.byKey.values())
      if (!ENDED.has(step.status)) {
        step.status = 'cancelled'
        step.endedAt = this.facts.endedAt
        touched.push(step.nodeId)
      }
    return touched
  }

  /** All steps in the order they were first heard of. */
  steps(): readonly StepRecord[] {
    return [...this.byKey.values()]
  }

  /** A node's executions, the iterations of a body in order of their beginning. */
  stepsOf(nodeId: string): readonly StepRecord[] {
    return this.byNode.get(nodeId) ?? []
  }

  nodeIds(): Iterable<string> {
    return this.byNode.keys()
  }

  /** The last output of a node, for suggestions and previews. */
  outputOf(nodeId: string): { known: boolean; value: unknown } {
    const steps = this.stepsOf(nodeId)
    for (let index = steps.length - 1; index >= 0; index--) {
      const step = steps[index]
      if (step?.hasOutput === true) return { known: true, value: step.output }
    }
    return { known: false, value: undefined }
  }

  /** What the card of a node shows: its latest iteration, and counts over all of them. */
  stateOf(nodeId: string): NodeRunState {
    const steps = this.stepsOf(nodeId)
    const latest = latestOf(steps)
    if (latest === undefined) return IDLE
    const state: { -readonly [Key in keyof NodeRunState]: NodeRunState[Key] } = {
      status: latest.status,
      step_id: latest.stepId,
      attempt: latest.attempt,
    }
    if (latest.startedAt !== null) state.started_at = new Date(latest.startedAt).toISOString()
    if (latest.durationMs !== null) state.duration_ms = latest.durationMs
    if (latest.sizeBytes !== null) state.size_bytes = latest.sizeBytes
    if (latest.hasOutput) state.summary = summarise(latest.output)
    if (latest.tokens !== '') state.tokens = latest.tokens.slice(-CARD_TOKENS)
    if (latest.usage !== null) state.usage = latest.usage
    if (latest.error !== null) state.error = latest.error
    if (latest.ports.length > 0) state.ports = latest.ports
    const iterations =
      this.countsOf(nodeId) ?? (containerOf(latest.path) === null ? null : countOf(steps))
    if (iterations != null) state.iterations = iterations
    return state
  }

  /** An iteration is done when all nodes of the body that were ever heard of ended in it. */
  private countsOf(container: string): NodeRunState['iterations'] | null {
    const loop = this.loops.get(container)
    if (loop === undefined) return null
    let done = 0
    for (const [path, ended] of loop.ended)
      if (ended >= loop.nodes.size && !loop.failed.has(path)) done++
    return { started: loop.ended.size, done, failed: loop.failed.size }
  }
}

function countOf(steps: readonly StepRecord[]): { started: number; done: number; failed: number } {
  let done = 0
  let failed = 0
  for (const step of steps) {
    if (step.status === 'failed') failed++
    else if (ENDED.has(step.status)) done++
  }
  return { started: steps.length, done, failed }
}

/** One that is at work comes before one that ended; else the one heard of last. */
function latestOf(steps: readonly StepRecord[]): StepRecord | undefined {
  const last = steps[steps.length - 1]
  if (last === undefined || !ENDED.has(last.status)) return last
  return steps.findLast((step) => !ENDED.has(step.status)) ?? steps.findLast(isFailed) ?? last
}

function isFailed(step: StepRecord): boolean {
  return step.status === 'failed'
}

/** The innermost container of `outer[0]/loop[3]`. */
export function containerOf(path: string | null): string | null {
  if (path === null) return null
  return /([^/.[\]]+)\[\d+\]$/.exec(path)?.[1] ?? null
}

/** The iteration numbers of a path for people, counted from 1: `4` or `1 / 4`. */
export function iterationLabel(path: string): string {
  return [...path.matchAll(/\[(\d+)\]/g)].map((match) => String(Number(match[1]) + 1)).join(' / ')
}

function noFacts(): RunFacts {
  return {
    status: null,
    total: 0,
    startedAt: null,
    endedAt: null,
    durationMs: null,
    outputs: undefined,
    error: null,
    reason: null,
  }
}

function newStep(key: string, nodeId: string, path: string | null): StepRecord {
  return {
    key,
    stepId: '',
    nodeId,
    path,
    status: 'pending',
    attempt: 1,
    startedAt: null,
    endedAt: null,
    durationMs: null,
    sizeBytes: null,
    output: undefined,
    hasOutput: false,
    ports: [],
    error: null,
    usage: null,
    tokens: '',
    model: null,
    reason: null,
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
