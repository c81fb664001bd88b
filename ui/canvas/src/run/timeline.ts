/** The steps of a run as bars on a common scale, iterations of one node in one row. */
import type { RunRecord, StepRecord } from './record'

export interface Bar {
  readonly step: StepRecord
  /** Fractions of the whole width, 0 to 1. */
  readonly left: number
  readonly width: number
  readonly endedAt: number
}

export interface Row {
  readonly nodeId: string
  readonly bars: readonly Bar[]
  readonly startedAt: number
  readonly durationMs: number
  readonly failed: boolean
  /** How deep within containers, for indentation. */
  readonly depth: number
  /** Executions that are not drawn one by one. */
  readonly hidden: number
}

export interface Timeline {
  readonly rows: readonly Row[]
  readonly from: number
  readonly spanMs: number
}

/** More bars than this in one row would lie upon each other. */
const MOST_BARS = 400

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
    const list = byNode.get(step.nodeId)
    if (list === undefined) byNode.set(step.nodeId, [step])
    else list.push(step)
  }
  const rows = [...byNode].map(([nodeId, steps]): Row => {
    const startedAt = Math.min(...steps.slice(0, MOST_BARS).map((step) => step.startedAt ?? from))
    const drawn = steps.slice(0, MOST_BARS).map((step): Bar => {
      const start = step.startedAt ?? from
      const endedAt = endOf(step, now)
      return {
        step,
        left: (start - from) / spanMs,
        width: Math.max(0, (endedAt - start) / spanMs),
        endedAt,
      }
    })
    return {
      nodeId,
      bars: drawn,
      startedAt,
      durationMs: drawn.reduce((sum, bar) => sum + lengthOf(bar), 0),
      failed: steps.some((step) => step.status === 'failed'),
      depth: steps[0]?.path?.split('/').length ?? 0,
      hidden: steps.length - drawn.length,
    }
  })
  return { rows: rows.sort((a, b) => a.startedAt - b.startedAt), from, spanMs }
}

function lengthOf(bar: Bar): number {
  return bar.step.durationMs ?? bar.endedAt - (bar.step.startedAt ?? bar.endedAt)
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
