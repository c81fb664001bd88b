import { describe, expect, it } from 'vitest'
import type { Pause } from './facts'
import { newStep, type StepRecord } from './steps'
import { marksOf, tell, type Situation } from './telling'

function now(more: Partial<Situation>): Situation {
  return {
    status: 'running',
    pause: null,
    asking: [],
    pausing: false,
    reason: null,
    titleOf: (id) => id.toUpperCase(),
    ...more,
  }
}

function paused(pause: Partial<Pause>, asking: readonly StepRecord[] = []): string {
  const full: Pause = { reason: 'pause', stops: [], wakeAt: null, by: null, ...pause }
  return tell(now({ status: 'paused', pause: full, asking })).name
}

function question(request: Record<string, unknown>): StepRecord {
  return { ...newStep('a', 'a', null), approval: { request, answer: null } }
}

describe('how a run stands', () => {
  it('says who paused it, and before which step it stopped', () => {
    expect(paused({ by: 'ada' })).toBe('Paused by ada')
    expect(paused({})).toBe('Paused')
    const stops = [{ node_id: 'fetch' }, { node_id: 'b', side: 'after' as const }]
    expect(paused({ reason: 'breakpoint', stops: stops.slice(0, 1) })).toBe(
      'Stopped before “FETCH”',
    )
    expect(paused({ reason: 'breakpoint', stops: stops.slice(1) })).toBe('Stopped after “B”')
    expect(paused({ reason: 'breakpoint', stops })).toBe('Stopped before “FETCH” and 1 more')
  })

  it('says whose answer it waits for, or until when', () => {
    const waiting = { reason: 'waiting' as const }
    expect(paused(waiting, [question({ assignee: 'ada' })])).toBe('Waiting for an answer by ada')
    expect(paused(waiting, [question({ role: 'editor' })])).toBe(
      'Waiting for an answer by an editor',
    )
    expect(paused(waiting, [question({ role: 'viewer' })])).toBe('Waiting for an answer by a viewer')
    expect(paused(waiting, [question({}), question({})])).toBe('Waiting for 2 answers')
    expect(paused({ ...waiting, wakeAt: Date.now() })).toMatch(/^Waiting until .*\d\d:\d\d/)
  })

  it('says when more goes on than running', () => {
    expect(tell(now({})).name).toBe('Running')
    expect(tell(now({ pausing: true })).name).toBe('Pausing after the running steps')
    expect(tell(now({ asking: [question({})] })).name).toBe('Running · waiting for an answer')
  })
})

it('marks what is special about a run', () => {
  const base = { id: 'r', workflow_id: 'w', status: 'running' as const }
  const names = (more: object): string[] =>
    marksOf({ ...base, ...more }, (id) => id.toUpperCase()).map((mark) => mark.name)
  expect(names({ mode: 'full' })).toEqual([])
  expect(names({ mode: 'mock', only: { until: 'a', from: null } })).toEqual(['Mock', 'Up to “A”'])
  expect(names({ mode: 'debug', parent_run_id: 'p' })).toEqual(['Debug', 'Fork'])
})
