/** The steps of a run as bars on a common scale, iterations of one node in one row. */
import type { RunRecord, StepRecord } from './record'

export interface Bar {
  /** The execution, or the last of those that lie too close together to be told apart. */
  readonly step: StepRecord
  readonly count: number
  readonly failed: boolean
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
    const single = steps.map((step) => barOf(step, from, spanMs, now))
    const startedAt = steps.reduce((least, step) => Math.min(least, step.startedAt ?? least), until)
    const endedAt = single.reduce((latest, bar) => Math.max(latest, bar.endedAt), startedAt)
    return {
      key,
      nodeId: one?.nodeId ?? key,
      outer: one === undefined ? null : record.outerOf(one),
      name: one?.name ?? null,
      bars: single.length > MOST_BARS ? joined(single) : single,
      startedAt,
      durationMs: (steps.length === 1 ? steps[0]?.durationMs : null) ?? endedAt - startedAt,
      failed: single.some((bar) => bar.failed),
      depth: steps[0]?.path?.split('/').length ?? 0,
      count: steps.length,
    }
  })
  return { rows: rows.sort((a, b) => a.startedAt - b.startedAt), from, spanMs }
}

function barOf(step: StepRecord, from: number, spanMs: number, now: number): Bar {
  const start = step.startedAt ?? from
  const endedAt = endOf(step, now)
  return {
    step,
    count: 1,
    failed: step.status === 'failed',
    left: (start - from) / spanMs,
    width: Math.max(0, (endedAt - start) / spanMs),
    endedAt,
  }
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

/** Round times for the scale, at most `count` of them, zero included. */
export function ticks(spanMs: number, count = 6): readonly number[] {
  if (spanMs <= 0) return [0]
  const rough = spanMs / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? power
  const list: number[] = []
  for (let at = 0; at <= spanMs; at += step) list.push(at)
  return list
}
