import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../api'
import type { RunEvent } from '../seam'
import type { EventStream, StreamListener } from './follow'
import { createRunStore, type RunDependencies } from './runtime'

class Stream implements EventStream {
  closed = false
  private readonly listeners = new Map<string, StreamListener>()
  constructor(readonly address: string) {}
  on(type: string, listener: StreamListener): void {
    this.listeners.set(type, listener)
  }
  close(): void {
    this.closed = true
  }
  send(type: string, data: unknown = {}): void {
    this.listeners.get(type)?.(JSON.stringify(data))
  }
  event(kind: string, seq: number | null, node?: string, data: object = {}): void {
    const at = new Date(1000 + (seq ?? 0)).toISOString()
    const step = node === undefined ? {} : { node_id: node, step_id: `s-${node}` }
    this.send('event', { kind, run_id: 'r', seq, at, ...step, data })
  }
}

let streams: Stream[]
let frames: (() => void)[]
let delays: { ms: number; callback: () => void }[]
let answers: Record<string, unknown>
let saved: string[]
let posted: [string, unknown][]

function world(): RunDependencies {
  return {
    openStream(address) {
      const stream = new Stream(address)
      streams.push(stream)
      return stream
    },
    nextFrame(callback) {
      frames.push(callback)
      return () => (frames = frames.filter((other) => other !== callback))
    },
    delay(ms, callback) {
      delays.push({ ms, callback })
      return () => undefined
    },
    get: (path) => answer(path),
    post(path, body) {
      posted.push([path, body])
      return answer(`POST ${path}`)
    },
    put(path, body) {
      posted.push([path, body])
      return answer(`PUT ${path}`)
    },
  }
}

function answer<T>(path: string): Promise<T> {
  const found = answers[path]
  if (found === undefined) return Promise.reject(new ApiError(404, 'not_found', path))
  return found instanceof Error ? Promise.reject(found) : Promise.resolve(found as T)
}

function paint(): void {
  const due = frames
  frames = []
  for (const frame of due) frame()
}

function store() {
  return createRunStore(
    { workflowId: 'w', beforeStart: () => (saved.push('saved'), Promise.resolve()) },
    world(),
  )
}

async function started() {
  answers['POST /workflows/w/runs'] = { id: 'r', workflow_id: 'w', status: 'queued' }
  const run = store()
  await run.start({ city: 'Oslo' })
  return { run, stream: streams[0]! }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

beforeEach(() => {
  streams = []
  frames = []
  delays = []
  answers = {}
  saved = []
  posted = []
})
afterEach(() => vi.restoreAllMocks())

describe('starting', () => {
  it('saves first, runs the draft and follows from the beginning', async () => {
    const { run, stream } = await started()
    expect(saved).toEqual(['saved'])
    expect(posted[0]).toEqual(['/workflows/w/runs', { inputs: { city: 'Oslo' }, version: 'draft' }])
    expect(stream.address).toBe('/api/v1/runs/r/events?after=0')
    expect(run.active.value).toBe(true)
    expect(run.run.value?.inputs).toEqual({ city: 'Oslo' })
  })

  it('keeps why it could not be started', async () => {
    answers['POST /workflows/w/runs'] = new ApiError(422, 'invalid', 'No', [
      { pointer: '/inputs/city', code: 'required', detail: 'Missing' },
    ])
    const run = store()
    await expect(run.start({})).rejects.toThrow('No')
    expect(run.trouble.value?.errors).toHaveLength(1)
    expect(run.active.value).toBe(false)
    expect(run.starting.value).toBe(false)
  })
})

describe('following', () => {
  it('paints once a frame, and only the nodes that changed', async () => {
    const { run, stream } = await started()
    const a = run.node('a')
    const b = run.node('b')
    const idle = b.value
    stream.event('run.started', 1, undefined, { total: 2 })
    stream.event('step.started', 2, 'a')
    stream.event('llm.token', null, 'a', { text: 'Hel' })
    stream.event('llm.token', null, 'a', { text: 'lo' })
    expect(a.value.status).toBe('idle')
    expect(frames).toHaveLength(1)
    paint()
    expect(a.value).toMatchObject({ status: 'running', tokens: 'Hello' })
    expect(b.value).toBe(idle)
    expect(run.node('a')).toBe(a)
    expect(run.status.value).toBe('running')
  })

  it('comes back after a loss without a gap or a repeat', async () => {
    const { run, stream } = await started()
    stream.event('run.started', 1, undefined, { total: 1 })
    stream.event('log', 2, 'a', { message: 'one' })
    stream.send('error')
    expect(stream.closed).toBe(true)
    expect(run.connection.value).toBe('reconnecting')
    expect(run.active.value).toBe(true)
    answers['/runs/r'] = { id: 'r', workflow_id: 'w', status: 'running' }
    delays[0]!.callback()
    await settle()
    const again = streams[1]!
    expect(again.address).toBe('/api/v1/runs/r/events?after=2')
    again.event('log', 2, 'a', { message: 'one' })
    again.event('log', 3, 'a', { message: 'two' })
    stream.event('log', 4, 'a', { message: 'from the old stream' })
    paint()
    expect(run.record.value.logs.map((line) => line.message)).toEqual(['one', 'two'])
    expect(run.connection.value).toBe('live')
  })

  it('waits longer each time while nobody answers', async () => {
    const { stream } = await started()
    answers['/runs/r'] = new ApiError(0, 'offline', 'away')
    stream.send('error')
    for (let turn = 0; turn < 7; turn++) {
      delays[turn]!.callback()
      await settle()
    }
    expect(delays.map((delay) => delay.ms).slice(0, 4)).toEqual([300, 600, 1200, 2400])
    expect(delays.at(-1)?.ms).toBe(10_000)
    expect(streams).toHaveLength(1)
  })

  it('asks again where the numbers have a gap, but not for ever', async () => {
    const { run, stream } = await started()
    stream.event('run.started', 1, undefined, { total: 1 })
    stream.event('log', 3, 'a', { message: 'three' })
    const again = streams[1]!
    expect(again.address).toMatch(/after=1$/)
    again.event('log', 2, 'a', { message: 'two' })
    again.event('log', 3, 'a', { message: 'three' })
    again.event('log', 5, 'a', { message: 'five' })
    streams[2]!.event('log', 5, 'a', { message: 'five' })
    expect(streams).toHaveLength(3)
    paint()
    expect(run.record.value.logs.map((line) => line.message)).toEqual(['two', 'three', 'five'])
  })

  it('takes what it missed as JSON when the run ended meanwhile', async () => {
    const { run, stream } = await started()
    stream.event('run.started', 1, undefined, { total: 1 })
    stream.send('error')
    answers['/runs/r'] = { id: 'r', workflow_id: 'w', status: 'completed' }
    const at = new Date(5000).toISOString()
    answers['/runs/r/events?after=1&limit=200'] = {
      items: [
        { kind: 'step.completed', run_id: 'r', seq: 2, at, node_id: 'a', step_id: 's', data: { output: 7, ports: ['out'] } },
        { kind: 'run.completed', run_id: 'r', seq: 3, at, data: { outputs: 7, duration_ms: 9 } },
      ] satisfies RunEvent[],
    } // prettier-ignore
    delays[0]!.callback()
    await settle()
    expect(run.node('a').value.status).toBe('completed')
    expect(run.status.value).toBe('completed')
    expect(run.active.value).toBe(false)
  })

  it('stops at the end event and fetches the final figures', async () => {
    const { run, stream } = await started()
    stream.event('run.completed', 1, undefined, { outputs: { x: 1 }, duration_ms: 40 })
    answers['/runs/r'] = { id: 'r', workflow_id: 'w', status: 'completed', duration_ms: 41 }
    stream.send('end')
    await settle()
    expect(stream.closed).toBe(true)
    expect(run.connection.value).toBe('ended')
    expect(run.run.value?.duration_ms).toBe(41)
    expect(run.record.value.facts.outputs).toEqual({ x: 1 })
  })

  it('says when the run may not be read any more', async () => {
    const { run, stream } = await started()
    stream.send('error')
    answers['/runs/r'] = new ApiError(401, 'unauthorized', 'Signed out')
    delays[0]!.callback()
    await settle()
    expect(run.trouble.value?.status).toBe(401)
    expect(run.active.value).toBe(false)
  })
})

describe('other runs', () => {
  it('opens a past run in pages and forgets the one before', async () => {
    const { run, stream } = await started()
    stream.event('step.started', 1, 'old')
    paint()
    const at = new Date(5000).toISOString()
    const page = Array.from({ length: 200 }, (_, n) => ({
      kind: 'log', run_id: 'p', seq: n + 1, at, node_id: 'a', step_id: 's', data: { message: String(n) },
    })) // prettier-ignore
    answers['/runs/p'] = { id: 'p', workflow_id: 'w', status: 'failed' }
    answers['/runs/p/events?after=0&limit=200'] = { items: page }
    answers['/runs/p/events?after=200&limit=200'] = {
      items: [{ kind: 'step.failed', run_id: 'p', seq: 201, at, node_id: 'a', step_id: 's', data: { error: { code: 'c', message: 'm' }, duration_ms: 1 } }],
    } // prettier-ignore
    await run.open('p')
    expect(stream.closed).toBe(true)
    expect(run.node('old').value.status).toBe('idle')
    expect(run.node('a').value).toMatchObject({ status: 'failed', error: { message: 'm' } })
    expect(run.record.value.logs).toHaveLength(200)
    expect(run.status.value).toBe('failed')
  })

  it('shows cancelling until the run says otherwise', async () => {
    const { run, stream } = await started()
    stream.event('run.started', 1, undefined, { total: 1 })
    paint()
    answers['POST /runs/r/cancel'] = {}
    await run.controls.cancel()
    expect(run.status.value).toBe('cancelling')
    stream.event('log', 2, 'a', { message: 'still here' })
    paint()
    expect(run.status.value).toBe('cancelling')
    stream.event('run.cancelled', 3, undefined, { reason: 'x', duration_ms: 3 })
    paint()
    expect(run.status.value).toBe('cancelled')
  })

  it('loads a step once, and again after a failure', async () => {
    const { run } = await started()
    await expect(run.loadStep('s1')).rejects.toThrow()
    answers['/runs/r/steps/s1'] = { id: 's1', status: 'completed', input: 1 }
    expect((await run.loadStep('s1')).input).toBe(1)
    answers['/runs/r/steps/s1'] = { id: 's1', status: 'completed', input: 2 }
    expect((await run.loadStep('s1')).input).toBe(1)
  })

  it('clears everything', async () => {
    const { run, stream } = await started()
    stream.event('step.started', 1, 'a')
    paint()
    run.clear()
    expect(run.node('a').value.status).toBe('idle')
    expect(run.runId.value).toBeNull()
    expect(run.status.value).toBeNull()
    stream.event('step.completed', 2, 'a', { output: 1, ports: [] })
    paint()
    expect(run.node('a').value.status).toBe('idle')
  })
})

describe('controls', () => {
  async function running() {
    const { run, stream } = await started()
    stream.event('run.started', 1, undefined, { total: 2 })
    paint()
    return { run, stream }
  }

  function paused(stream: Stream, seq: number): void {
    stream.event('run.paused', seq, undefined, { reason: 'pause', active_ms: 5 })
    paint()
  }

  it('pauses, and shows that it is awaited until the stream tells', async () => {
    const { run, stream } = await running()
    answers['POST /runs/r/pause'] = { id: 'r', workflow_id: 'w', status: 'running' }
    await run.controls.pause()
    expect(run.controls.pending.value).toBe('pause')
    expect(run.status.value).toBe('running')
    paused(stream, 2)
    expect(run.status.value).toBe('paused')
    expect(run.controls.pending.value).toBeNull()
    expect(run.active.value).toBe(true)
  })

  it('steps, though the run stands still again within one frame', async () => {
    const { run, stream } = await running()
    paused(stream, 2)
    answers['POST /runs/r/resume'] = { id: 'r', workflow_id: 'w', status: 'queued' }
    await run.controls.step()
    expect(posted.at(-1)).toEqual(['/runs/r/resume', { step: true }])
    stream.event('run.resumed', 3, undefined, { reason: 'step' })
    paused(stream, 4)
    expect(run.controls.pending.value).toBeNull()
    expect(run.status.value).toBe('paused')
  })

  it('retries in the same run and listens again', async () => {
    const { run, stream } = await running()
    const error = { code: 'c', message: 'm' }
    stream.event('step.failed', 2, 'a', { error, duration_ms: 1 })
    stream.event('run.failed', 3, undefined, { error, duration_ms: 1 })
    answers['/runs/r'] = { id: 'r', workflow_id: 'w', status: 'failed' }
    stream.send('end')
    await settle()
    expect(run.active.value).toBe(false)
    answers['POST /runs/r/retry'] = { id: 'r', workflow_id: 'w', status: 'queued' }
    await run.controls.retry()
    expect(run.status.value).toBe('queued')
    expect(run.active.value).toBe(true)
    const again = streams.at(-1)!
    expect(again.address).toMatch(/after=3$/)
    again.event('run.resumed', 4, undefined, { reason: 'retry' })
    again.event('step.started', 5, 'a', {})
    paint()
    expect(run.status.value).toBe('running')
    expect(run.node('a').value.status).toBe('running')
  })

  it('keeps why a control was refused', async () => {
    const { run } = await running()
    answers['POST /runs/r/pause'] = new ApiError(409, 'run_paused', 'It is paused already.')
    await run.controls.pause()
    expect(run.trouble.value?.code).toBe('run_paused')
    expect(run.controls.pending.value).toBeNull()
  })

  it('shows the run that a fork or a rerun began', async () => {
    const { run } = await running()
    answers['POST /runs/r/fork'] = { id: 'f', workflow_id: 'w', status: 'queued' }
    await run.controls.fork({ checkpoint: 's-a', overrides: { a: 1 } })
    expect(posted.at(-1)).toEqual(['/runs/r/fork', { checkpoint: 's-a', overrides: { a: 1 } }])
    expect(run.runId.value).toBe('f')
    answers['POST /runs/f/rerun'] = { id: 'g', workflow_id: 'w', status: 'queued' }
    await run.controls.rerun({ city: 'Bergen' })
    expect(posted.at(-1)).toEqual(['/runs/f/rerun', { inputs: { city: 'Bergen' } }])
    expect(run.runId.value).toBe('g')
  })

  it('cancels one step alone, and sets breakpoints while it runs', async () => {
    const { run } = await running()
    answers['POST /steps/s-a/cancel'] = {}
    await run.controls.cancelStep('s-a')
    expect(posted.at(-1)?.[0]).toBe('/steps/s-a/cancel')
    expect(run.status.value).toBe('running')
    answers['PUT /runs/r/breakpoints'] = {}
    await run.controls.setBreakpoints(['a', 'b:after'])
    expect(posted.at(-1)).toEqual(['/runs/r/breakpoints', { breakpoints: ['a', 'b:after'] }])
  })

  it('starts with its mode, its limits, a part, and where it stops', async () => {
    answers['POST /workflows/w/runs'] = { id: 'r', workflow_id: 'w', status: 'queued' }
    const options = {
      workflowId: 'w',
      beforeStart: () => Promise.resolve(),
      breakpoints: () => ['a'],
    }
    const run = createRunStore(options, world())
    await run.start({ x: 1 }, { mode: 'mock', config: { timeout_ms: 5 } })
    const always = { version: 'draft', breakpoints: ['a'] }
    expect(posted.at(-1)?.[1]).toEqual({
      inputs: { x: 1 },
      mode: 'mock',
      config: { timeout_ms: 5 },
      ...always,
    })
    await run.start({ x: 1 }, { only: { from: 'b' } })
    expect(posted.at(-1)?.[1]).toEqual({ only: { from: 'b' }, ...always })
  })
})
