/** The steps of a run as bars on a common scale, iterations of one node in one row. */
import type { RunRecord, StepRecord } from './record'
import type { FailedTry } from './steps'

export interface Bar {
  /** The execution, or the last of those that lie too close together to be told apart. */
  readonly step: StepRecord
  readonly count: number
  readonly failed: boolean
  /** An attempt before the last one, which another followed. */
  readonly tried: FailedTry | null
  /** Fractions of the whole width, 0 to 1. */
  readonly left: number
  readonly width: number
  readonly endedAt: number
}

export interface Row {
  readonly key: string
  readonly nodeId: string
  /** The drawn node inside of which it ran, for steps that the drawing does not hold. */
  readonly outer: string | null
  /** Told by such a step itself. */
  readonly name: string | null
  readonly bars: readonly Bar[]
  readonly startedAt: number
  readonly durationMs: number
  readonly failed: boolean
  /** How deep within containers, for indentation. */
  readonly depth: number
  readonly count: number
}

export interface Timeline {
  readonly rows: readonly Row[]
  readonly from: number
  readonly spanMs: number
}

/** Up to so many executions of a node are drawn one by one; more are joined where they touch. */
const MOST_BARS = 100
/** Bars nearer than this, as a fraction of the width, touch. */
const NEAR = 0.003

/** What is less is the time that telling takes, no wait. */
const WAITED_MS = 500

/** Skipped steps take no time and are left out. `now` is the end of what is still going on. */
export function timelineOf(record: RunRecord, now: number): Timeline {
  const begun = record
    .steps()
    .filter((step) => step.startedAt !== null && step.status !== 'skipped')
  const first = begun.reduce((least, step) => Math.min(least, step.startedAt ?? least), Infinity)
  const from = Math.min(record.facts.startedAt ?? Infinity, first)
  if (!Number.isFinite(from)) return { rows: [], from: 0, spanMs: 0 }
  const until = begun.reduce(
    (latest, step) => Math.max(latest, endOf(step, now)),
    record.facts.endedAt ?? from,
  )
  const spanMs = Math.max(1, until - from)
  const byNode = new Map<string, StepRecord[]>()
  for (const step of begun) {
    const outer = record.outerOf(step)
    const key = outer === null ? step.nodeId : `${outer}/${step.nodeId}`
    const list = byNode.get(key)
    if (list === undefined) byNode.set(key, [step])
    else list.push(step)
  }
  const rows = [...byNode].map(([key, steps]): Row => {
    const [one] = steps
    const single = steps.flatMap((step) => barsOf(step, from, spanMs, now))
    const startedAt = steps.reduce((least, step) => Math.min(least, step.startedAt ?? least), until)
    const endedAt = single.reduce((latest, bar) => Math.max(latest, bar.endedAt), startedAt)
    return {
      key,
      nodeId: one?.nodeId ?? key,
      outer: one === undefined ? null : record.outerOf(one),
      name: one?.name ?? null,
      bars: single.length > MOST_BARS ? joined(single) : single,
      startedAt,
      durationMs: tookMs(steps, endedAt - startedAt),
      failed: steps.some((step) => step.status === 'failed'),
      depth: steps[0]?.path?.split('/').length ?? 0,
      count: steps.length,
    }
  })
  return { rows: rows.sort((a, b) => a.startedAt - b.startedAt), from, spanMs }
}

/** A step's own figure is how long it was at work: where it waited for an answer, the bar counts. */
function tookMs(steps: readonly StepRecord[], wholeMs: number): number {
  const own = steps.length === 1 ? (steps[0]?.durationMs ?? null) : null
  return own === null || wholeMs - own > WAITED_MS ? wholeMs : own
}

/** One for each attempt; the waits between them are gaps. */
function barsOf(step: StepRecord, from: number, spanMs: number, now: number): Bar[] {
  const bar = (start: number, endedAt: number, tried: FailedTry | null): Bar => ({
    step,
    count: 1,
    failed: tried !== null || step.status === 'failed',
    tried,
    left: (start - from) / spanMs,
    width: Math.max(0, (endedAt - start) / spanMs),
    endedAt,
  })
  const bars = step.tries.map((tried) => bar(tried.startedAt, tried.endedAt, tried))
  const endedAt = endOf(step, now)
  const start = step.tries[step.tries.length - 1]?.nextAt ?? step.startedAt ?? from
  if (step.status === 'retrying' && start > now) return bars
  return [...bars, bar(Math.min(start, endedAt), endedAt, null)]
}

function joined(bars: readonly Bar[]): Bar[] {
  const list: Bar[] = []
  for (const bar of [...bars].sort((a, b) => a.left - b.left)) {
    const last = list[list.length - 1]
    if (last === undefined || bar.left > last.left + last.width + NEAR) {
      list.push(bar)
      continue
    }
    list[list.length - 1] = {
      step: bar.step,
      count: last.count + bar.count,
      failed: last.failed || bar.failed,
      tried: null,
      left: last.left,
      width: Math.max(last.left + last.width, bar.left + bar.width) - last.left,
      endedAt: Math.max(last.endedAt, bar.endedAt),
    }
  }
  return list
}

function endOf(step: StepRecord, now: number): number {
  if (step.endedAt !== null) return step.endedAt
  return Math.max(now, step.startedAt ?? now)
}

const DAY_MS = 86_400_000
/** No finer than a millisecond, and round in the unit that it is written in. */
const STEPS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 4, 6, 12, 24].map((hours) => hours * 3_600_000),
]

/** Round times for the scale, at most `count` of them, zero included. */
export function ticks(spanMs: number, count = 6): readonly number[] {
  if (spanMs <= 0) return [0]
  const rough = spanMs / count
  const step = STEPS_MS.find((size) => size >= rough) ?? Math.ceil(rough / DAY_MS) * DAY_MS
  const list: number[] = []
  for (let at = 0; at <= spanMs; at += step) list.push(at)
  return list
}
