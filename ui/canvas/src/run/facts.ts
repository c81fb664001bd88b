/** What is known of a run as a whole, from its `run.*` events. */
import type { Failure, JsonObject, RunEvent, RunStatus, Stop } from '../seam'
import { numberOf, textOf } from './steps'

/** Why nothing of a run is executing. */
export interface Pause {
  readonly reason: 'pause' | 'breakpoint' | 'waiting'
  readonly stops: readonly Stop[]
  /** When the earliest of its waiting steps goes on by itself. */
  readonly wakeAt: number | null
  readonly by: string | null
}

export interface RunFacts {
  status: RunStatus | null
  total: number
  startedAt: number | null
  endedAt: number | null
  durationMs: number | null
  /** How long in all nothing of it was executing, in ms. */
  waitedMs: number
  pausedAt: number | null
  outputs: unknown
  error: Failure | null
  reason: string | null
  pause: Pause | null
  /** The run that a fork or a run of a part took its data from. */
  parent: string | null
}

export function noFacts(): RunFacts {
  return {
    status: null,
    total: 0,
    startedAt: null,
    endedAt: null,
    durationMs: null,
    waitedMs: 0,
    pausedAt: null,
    outputs: undefined,
    error: null,
    reason: null,
    pause: null,
    parent: null,
  }
}

export function applyToRun(facts: RunFacts, event: RunEvent, data: JsonObject): void {
  const at = Date.parse(event.at)
  if (event.kind !== 'run.paused') {
    facts.pause = null
    if (facts.pausedAt !== null) facts.waitedMs += at - facts.pausedAt
    facts.pausedAt = null
  }
  switch (event.kind) {
    case 'run.queued':
      facts.status = 'queued'
      facts.parent = textOf(data['parent_run_id'])
      break
    case 'run.started':
      facts.status = 'running'
      facts.startedAt ??= at
      if (typeof data['total'] === 'number') facts.total = data['total']
      break
    case 'run.paused':
      facts.status = 'paused'
      facts.pause = pauseOf(data)
      facts.pausedAt ??= at
      break
    case 'run.resumed':
      facts.status = 'running'
      if (data['reason'] === 'retry') {
        facts.status = 'queued'
        facts.endedAt = facts.durationMs = facts.error = facts.reason = null
        facts.outputs = undefined
      }
      break
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      facts.status = event.kind.slice(4) as RunStatus
      facts.endedAt = at
      // The event's own figure leaves out the waits; what people see is from start to end.
      facts.durationMs =
        facts.startedAt === null ? numberOf(data['duration_ms']) : at - facts.startedAt
      if ('outputs' in data) facts.outputs = data['outputs']
      if (data['error']) facts.error = data['error'] as Failure
      facts.reason = textOf(data['reason']) ?? facts.reason
      break
  }
}

function pauseOf(data: JsonObject): Pause {
  const reason = data['reason']
  return {
    reason: reason === 'breakpoint' || reason === 'waiting' ? reason : 'pause',
    stops: (data['stops'] as Stop[] | undefined) ?? [],
    wakeAt: typeof data['wake_at'] === 'string' ? Date.parse(data['wake_at']) : null,
    by: textOf(data['by']),
  }
}
