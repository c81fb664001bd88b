/** What the card of a node shows of its steps: the latest iteration, and counts over all. */
import { IDLE, type NodeRunState } from '../seam'
import type { Pause } from './facts'
import { countOf, type Counts } from './loops'
import { asks, containerOf, ENDED, textOf, type StepRecord } from './steps'
import { summarise } from './summary'

/** How much streamed text a card shows; the panel has all of it. */
const CARD_TOKENS = 400

export interface Known {
  readonly steps: readonly StepRecord[]
  readonly inner: readonly StepRecord[]
  readonly counts: Counts | null
  readonly pause: Pause | null
}

type Draft = { -readonly [Key in keyof NodeRunState]: NodeRunState[Key] }

export function cardOf(nodeId: string, known: Known): NodeRunState {
  const { steps, inner, pause } = known
  const stop = pause?.stops.find((one) => one.node_id === nodeId)
  const latest = latestOf(steps)
  if (latest === undefined) return stop ? { ...IDLE, stop: stop.side ?? 'before' } : IDLE
  const state: Draft = { status: latest.status, step_id: latest.stepId, attempt: latest.attempt }
  if (latest.startedAt !== null) state.started_at = new Date(latest.startedAt).toISOString()
  if (latest.durationMs !== null) state.duration_ms = latest.durationMs
  if (latest.sizeBytes !== null) state.size_bytes = latest.sizeBytes
  if (latest.hasOutput) state.summary = summarise(latest.output)
  if (latest.tokens !== '') state.tokens = latest.tokens.slice(-CARD_TOKENS)
  if (latest.usage !== null) state.usage = latest.usage
  if (latest.error !== null) state.error = latest.error
  if (latest.ports.length > 0) state.ports = latest.ports
  if (latest.pinned) state.pinned = true
  if (latest.reusedFrom !== null) state.reused_from = latest.reusedFrom
  if (stop) state.stop = stop.side ?? 'before'
  if (latest.status === 'waiting') state.waiting = waitingOf(latest)
  if (inner.length > 0) state.inner = countOf(inner)
  const iterations =
    known.counts ?? (containerOf(latest.path) === null ? null : countOf(steps))
  if (iterations !== null) state.iterations = iterations
  return state
}

function waitingOf(step: StepRecord): NonNullable<NodeRunState['waiting']> {
  if (!asks(step))
    return step.waitsUntil === null
      ? { for: 'clock' }
      : { for: 'clock', until: new Date(step.waitsUntil).toISOString() }
  const request = step.approval?.request ?? {}
  const who = textOf(request['assignee']) ?? textOf(request['role'])
  return who === null ? { for: 'person' } : { for: 'person', who }
}

/** One that is at work comes before one that ended; else the one heard of last. */
function latestOf(steps: readonly StepRecord[]): StepRecord | undefined {
  const last = steps[steps.length - 1]
  if (last === undefined || !ENDED.has(last.status)) return last
  return (
    steps.findLast((step) => !ENDED.has(step.status)) ??
    steps.findLast((step) => step.status === 'failed') ??
    last
  )
}
