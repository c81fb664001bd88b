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

  it('folds ten thousand iterations', () => {
    fresh()
    const record = new RunRecord()
    for (let n = 0; n < 10_000; n++) {
      const path = { path: `loop[${n}]` }
      record.apply(event('step.started', 'x', {}, path))
      record.apply(event('step.completed', 'x', { output: n, ports: [] }, path))
      if (n % 100 === 0) record.stateOf('loop')
    }
    expect(record.stepsOf('x')).toHaveLength(10_000)
  })
})

describe('pausing', () => {
  it('stands before a node until it goes on', () => {
    fresh()
    const record = fold(event('run.started', undefined, { total: 2 }))
    const touched = record.apply(
      event('run.paused', undefined, { reason: 'breakpoint', active_ms: 1, stops: [{ node_id: 'b' }] }),
    )
    expect(touched).toContain('b')
    expect(record.facts).toMatchObject({ status: 'paused', pause: { reason: 'breakpoint' } })
    expect(record.stateOf('b')).toEqual({ status: 'idle', stop: 'before' })
    expect(record.apply(event('run.resumed', undefined, { reason: 'step' }))).toContain('b')
    expect(record.stateOf('b')).toEqual({ status: 'idle' })
    expect(record.facts).toMatchObject({ status: 'running', pause: null })
  })

  it('parks what has begun, and lets go on what no person is asked about', () => {
    fresh()
    const until = '2026-11-20T14:05:00Z'
    const record = fold(
      event('step.started', 'loop'),
      event('step.started', 'wait', {}, { path: 'loop[0]' }),
      event('step.started', 'ask'),
      event('approval.requested', 'ask', { approval_id: 's-ask', message: 'Fine?', assignee: 'ada' }),
      event('run.paused', undefined, { reason: 'waiting', active_ms: 1, wake_at: until }),
    )
    expect(record.stateOf('wait')).toMatchObject({
      status: 'waiting',
      waiting: { for: 'clock', until: new Date(until).toISOString() },
    })
    expect(record.stateOf('loop').status).toBe('running')
    expect(record.stateOf('ask').waiting).toEqual({ for: 'person', who: 'ada' })
    expect(record.asking().map((step) => step.nodeId)).toEqual(['ask'])
    record.apply(event('run.resumed', undefined, { reason: 'timer' }))
    expect(record.stateOf('wait').status).toBe('running')
    expect(record.stateOf('ask').status).toBe('waiting')
    record.apply(event('approval.answered', 'ask', { approval_id: 's-ask', source: 'person', answer: true }))
    expect(record.stateOf('ask').status).toBe('running')
    expect(record.asking()).toEqual([])
  })
})

describe('going on after the end', () => {
  it('forgets what a retry does again, and nothing else', () => {
    fresh()
    const error = { code: 'c', message: 'm' }
    const record = fold(
      event('run.started', undefined, { total: 4 }),
      event('step.completed', 'a', { output: 1, ports: ['out'], duration_ms: 1 }),
      event('step.started', 'b'),
      event('step.failed', 'b', { error, duration_ms: 1 }),
      event('step.cancelled', 'x', { error, duration_ms: 1 }),
      event('step.skipped', 'c', { reason: 'upstream_failed' }),
      event('step.skipped', 'd', { reason: 'dead_path' }),
      event('run.failed', undefined, { error, duration_ms: 4 }),
    )
    expect(record.ended).toBe(5)
    expect(record.stateOf('x')).toMatchObject({ status: 'cancelled', error })
    const touched = record.apply(event('run.resumed', undefined, { reason: 'retry' }))
    expect([...touched!].sort()).toEqual(['b', 'c', 'x'])
    expect(record.facts).toMatchObject({ status: 'queued', error: null, durationMs: null })
    expect(['a', 'b', 'c', 'd', 'x'].map((id) => record.stateOf(id).status)).toEqual([
      'completed',
      'idle',
      'idle',
      'skipped',
      'idle',
    ])
    expect(record.ended).toBe(2)
    record.apply(event('step.started', 'b', {}, { attempt: 2 }))
    expect(record.facts.status).toBe('running')
  })

  it('tells pinned data, and data of an earlier run', () => {
    fresh()
    const record = fold(
      event('step.completed', 'a', { output: 1, ports: [], duration_ms: 0, pinned: true }),
      event('step.completed', 'b', { output: 1, ports: [], duration_ms: 9, reused_from: 'r0' }),
    )
    expect(record.stateOf('a').pinned).toBe(true)
    expect(record.stateOf('b').reused_from).toBe('r0')
  })
})

describe('steps inside a step', () => {
  it('keeps those of a sub-workflow from the nodes with the same ids', () => {
    fresh()
    const inside = { path: 'call[0]' }
    const record = fold(
      event('step.completed', 'start', { output: 0, ports: ['out'], duration_ms: 1 }),
      event('step.started', 'call'),
      event('step.skipped', 'off', { reason: 'disabled' }, inside),
      event('step.started', 'start', { node_type: 'start', name: 'Begin' }, inside),
      event('step.completed', 'start', { output: 1, ports: ['out'], duration_ms: 1 }, inside),
      event('step.started', 'loop', { node_type: 'for_each', name: 'Each' }, inside),
      event('step.started', 'a', { node_type: 'wait' }, { path: 'call[0]/loop[0]' }),
    )
    expect(record.outputOf('start').value).toBe(0)
    expect(record.stateOf('off')).toEqual({ status: 'idle' })
    expect(record.stateOf('call')).toMatchObject({
      status: 'running',
      inner: { started: 4, done: 2, failed: 0 },
    })
    expect(record.innerOf('call').map((step) => step.name)).toContain('Begin')
    expect(record.ended).toBe(1)
    expect(timelineOf(record, clock).rows.map((row) => row.key)).toContain('call/start')
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
