/** What is known of each step of a run, and how iteration paths are read. */
import { isNumber, withPlainNumbers } from '../json'
import type { Failure, JsonObject, StepStatus } from '../seam'

export interface StepUsage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_usd?: string | null
}

/** A question to a person, as `approval.requested` tells it, and what became of it. */
export interface ApprovalRecord {
  readonly request: JsonObject
  answer: JsonObject | null
}

/** An attempt that failed and was followed by another. */
export interface FailedTry {
  readonly attempt: number
  readonly startedAt: number
  readonly endedAt: number
  /** When the next begins. */
  readonly nextAt: number
  readonly error: Failure | null
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
  tries: readonly FailedTry[]
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
  pinned: boolean
  reusedFrom: string | null
  /** When a waiting step goes on by itself. */
  waitsUntil: number | null
  approval: ApprovalRecord | null
  /** Told for steps that the drawing does not hold: of a sub-workflow or of a graph. */
  nodeType: string | null
  name: string | null
}

export const ENDED: ReadonlySet<StepStatus> = new Set([
  'completed',
  'failed',
  'skipped',
  'cancelled',
])

export function newStep(key: string, nodeId: string, path: string | null): StepRecord {
  return {
    key,
    stepId: '',
    nodeId,
    path,
    status: 'pending',
    attempt: 1,
    tries: [],
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
    pinned: false,
    reusedFrom: null,
    waitsUntil: null,
    approval: null,
    nodeType: null,
    name: null,
  }
}

/** Take an event of a step. Logs are not the step's. */
export function applyToStep(step: StepRecord, kind: string, at: number, data: JsonObject): void {
  switch (kind) {
    case 'step.started':
      step.status = asks(step) ? 'waiting' : 'running'
      step.startedAt ??= at
      step.nodeType = textOf(data['node_type']) ?? step.nodeType
      step.name = textOf(data['name']) ?? step.name
      break
    case 'step.retrying':
      step.status = 'retrying'
      step.error = (data['error'] as Failure | undefined) ?? null
      step.tries = [...step.tries, triedOf(step, at, numberOf(data['delay_ms']) ?? 0)]
      step.tokens = ''
      break
    case 'step.completed':
      step.output = data['output']
      step.hasOutput = 'output' in data
      step.ports = (data['ports'] as string[] | undefined) ?? []
      step.sizeBytes = numberOf(data['size_bytes'])
      step.usage = withPlainNumbers(data['usage'] as StepUsage | null | undefined) ?? step.usage
      step.error = (data['error'] as Failure | null | undefined) ?? null
      step.pinned = data['pinned'] === true
      step.reusedFrom = textOf(data['reused_from'])
      end(step, 'completed', at, data)
      break
    case 'step.failed':
    case 'step.cancelled':
      step.error = (data['error'] as Failure | null | undefined) ?? null
      end(step, kind === 'step.failed' ? 'failed' : 'cancelled', at, data)
      break
    case 'step.skipped':
      step.reason = textOf(data['reason'])
      step.reusedFrom = textOf(data['reused_from'])
      end(step, 'skipped', at, data)
      break
    case 'approval.requested':
      step.approval = { request: data, answer: null }
      if (!ENDED.has(step.status)) step.status = 'waiting'
      break
    case 'approval.answered':
      if (step.approval !== null) step.approval.answer = data
      if (step.status === 'waiting') step.status = 'running'
      break
    case 'llm.started':
      step.model = textOf(data['model']) ?? step.model
      break
    case 'llm.token':
      if (!ENDED.has(step.status)) step.tokens += String(data['text'] ?? '')
      break
    case 'llm.completed':
      step.usage = withPlainNumbers(data['usage'] as StepUsage | undefined) ?? step.usage
      break
  }
}

function triedOf(step: StepRecord, at: number, delayMs: number): FailedTry {
  const last = step.tries[step.tries.length - 1]
  return {
    attempt: step.attempt,
    startedAt: Math.min(at, last?.nextAt ?? step.startedAt ?? at),
    endedAt: at,
    nextAt: at + delayMs,
    error: step.error,
  }
}

function end(step: StepRecord, status: StepStatus, at: number, data: JsonObject): void {
  step.status = status
  step.endedAt = at
  step.durationMs = numberOf(data['duration_ms'])
  step.startedAt ??= step.reusedFrom === null ? at - (step.durationMs ?? 0) : at
  step.waitsUntil = null
}

/** Whether a person's answer is still awaited. */
export function asks(step: StepRecord): boolean {
  return step.approval !== null && step.approval.answer === null && !ENDED.has(step.status)
}

/** Whether a retry of the run executes it again. */
export function isUndone(step: StepRecord): boolean {
  if (step.status === 'skipped') return step.reason === 'upstream_failed'
  return step.status !== 'completed'
}

/** The innermost container of `outer[0]/loop[3]`. */
export function containerOf(path: string | null): string | null {
  if (path === null) return null
  return /([^/.[\]]+)\[\d+\]$/.exec(path)?.[1] ?? null
}

/** `a[0]/b[1]` → [`a[0]`, `a[0]/b[1]`]. */
export function prefixesOf(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** The iteration numbers of a path for people, counted from 1: `4` or `1 / 4`. */
export function iterationLabel(path: string): string {
  return [...path.matchAll(/\[(\d+)\]/g)].map((match) => String(Number(match[1]) + 1)).join(' / ')
}

export function numberOf(value: unknown): number | null {
  return isNumber(value) ? Number(value) : null
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
