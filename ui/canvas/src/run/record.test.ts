import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../seam'
import { RunRecord } from './record'
import { timelineOf, ticks } from './timeline'

let clock = 0
let seq = 0

function event(kind: string, node?: string, data: object = {}, more: object = {}): RunEvent {
  clock += 100
  const stored = kind !== 'llm.token'
  return {
    kind,
    run_id: 'r',
    seq: stored ? ++seq : null,
    at: new Date(clock).toISOString(),
    ...(node === undefined ? {} : { node_id: node, step_id: `s-${node}` }),
    data: data as Record<string, unknown>,
    ...more,
  }
}

function fold(...events: RunEvent[]): RunRecord {
  const record = new RunRecord()
  for (const one of events) record.apply(one)
  return record
}

function fresh(): void {
  clock = 0
  seq = 0
}

describe('folding', () => {
  it('shows a step from its start to its end', () => {
    fresh()
    const record = fold(event('run.started', undefined, { total: 1 }), event('step.started', 'a'))
    expect(record.stateOf('a')).toMatchObject({ status: 'running', step_id: 's-a' })
    record.apply(
      event('step.completed', 'a', {
        output: { text: 'Hello' },
        ports: ['out'],
        duration_ms: 12,
        size_bytes: 16,
        usage: { input_tokens: 3, output_tokens: 4, cost_usd: null },
      }),
    )
    expect(record.stateOf('a')).toMatchObject({
      status: 'completed',
      duration_ms: 12,
      size_bytes: 16,
      ports: ['out'],
      summary: 'text: "Hello"',
      usage: { input_tokens: 3, output_tokens: 4 },
    })
    expect(record.outputOf('a')).toEqual({ known: true, value: { text: 'Hello' } })
  })

  it('takes every stored event once', () => {
    fresh()
    const log = event('log', 'a', { level: 'info', message: 'x' })
    const record = fold(log, log)
    expect(record.logs).toHaveLength(1)
    expect(record.apply(log)).toBeNull()
  })

  it('keeps all of the text and shows the end of it on the card', () => {
    fresh()
    const record = fold(event('step.started', 'a'))
    for (let n = 0; n < 100; n++) record.apply(event('llm.token', 'a', { text: 'word ' + n + ' ' }))
    expect(record.stateOf('a').tokens).toHaveLength(400)
    expect(record.stateOf('a').tokens?.endsWith('word 99 ')).toBe(true)
    expect(record.stepsOf('a')[0]?.tokens.startsWith('word 0 ')).toBe(true)
  })

  it('drops the text of an attempt that failed', () => {
    fresh()
    const record = fold(
      event('step.started', 'a'),
      event('llm.token', 'a', { text: 'half' }),
      event('step.retrying', 'a', { error: { code: 'x', message: 'no' }, delay_ms: 5 }),
    )
    expect(record.stateOf('a')).toMatchObject({ status: 'retrying', error: { message: 'no' } })
    expect(record.stateOf('a').tokens).toBeUndefined()
  })

  it('counts iterations for the container and for the nodes of its body', () => {
    fresh()
    const record = fold(event('step.started', 'loop'))
    for (const n of [0, 1, 2]) {
      const path = { path: `loop[${n}]` }
      record.apply(event('step.started', 'x', {}, path))
      if (n < 2) record.apply(event('step.completed', 'x', { output: n, ports: [] }, path))
      if (n === 0) record.apply(event('step.completed', 'y', { output: n, ports: [] }, path))
      if (n === 1)
        record.apply(event('step.failed', 'y', { error: { code: 'c', message: 'm' } }, path))
    }
    expect(record.stateOf('loop').iterations).toEqual({ started: 3, done: 1, failed: 1 })
    expect(record.stateOf('x')).toMatchObject({
      status: 'running',
      iterations: { started: 3, done: 2, failed: 0 },
    })
    expect(record.stateOf('y').status).toBe('failed')
    expect(record.stepsOf('x').map((step) => step.path)).toEqual(['loop[0]', 'loop[1]', 'loop[2]'])
  })

  it('leaves no spinner behind when the run ends early', () => {
    fresh()
    const record = fold(
      event('step.started', 'a'),
      event('run.cancelled', undefined, { reason: 'enough', duration_ms: 5 }),
    )
    expect(record.stateOf('a').status).toBe('cancelled')
    expect(record.facts).toMatchObject({ status: 'cancelled', reason: 'enough', durationMs: 5 })
  })

  it('folds ten thousand iterations within a second', () => {
    fresh()
    const record = new RunRecord()
    const start = performance.now()
    for (let n = 0; n < 10_000; n++) {
      const path = { path: `loop[${n}]` }
      record.apply(event('step.started', 'x', {}, path))
      record.apply(event('step.completed', 'x', { output: n, ports: [] }, path))
      if (n % 100 === 0) record.stateOf('loop')
    }
    expect(performance.now() - start).toBeLessThan(1000)
    expect(record.stepsOf('x')).toHaveLength(10_000)
  })
})

describe('timeline', () => {
  it('puts bars on one scale, running ones up to now, skipped ones nowhere', () => {
    fresh()
    const record = fold(
      event('run.started', undefined, { total: 3 }),
      event('step.started', 'a'),
      event('step.completed', 'a', { output: 1, ports: [], duration_ms: 100 }),
      event('step.skipped', 'b', { reason: 'dead_path' }),
      event('step.started', 'c'),
    )
    const { rows, spanMs } = timelineOf(record, 1100)
    expect(rows.map((row) => row.nodeId)).toEqual(['a', 'c'])
    expect(spanMs).toBe(1000)
    expect(rows[0]?.bars[0]).toMatchObject({ left: 0.1, width: 0.1, count: 1 })
    expect(rows[1]?.bars[0]).toMatchObject({ left: 0.4, width: 0.6 })
  })

  it('joins what lies too close together to be drawn, failures in sight', () => {
    fresh()
    const record = fold(event('run.started', undefined, { total: 1 }))
    for (let n = 0; n < 1000; n++) {
      const path = { path: `loop[${n}]` }
      record.apply(event('step.started', 'x', {}, path))
      const failed = n === 500
      record.apply(event(failed ? 'step.failed' : 'step.completed', 'x', { ports: [] }, path))
    }
    const [row] = timelineOf(record, clock).rows
    expect(row?.count).toBe(1000)
    expect(row?.bars).toHaveLength(1)
    expect(row?.bars[0]).toMatchObject({ count: 1000, failed: true })
  })

  it('marks round times', () => {
    expect(ticks(1000)).toEqual([0, 200, 400, 600, 800, 1000])
    expect(ticks(0)).toEqual([0])
  })
})
