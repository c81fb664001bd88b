import { describe, expect, it } from 'vitest'
import { RunRecord } from '../run/record'
import { byPath, holders, scopesOf, standing } from './inner'

function record(): RunRecord {
  const fold = new RunRecord()
  let seq = 0
  const tell = (kind: string, node: string, path: string | null, data: object = {}): void => {
    const at = new Date(1000 + ++seq).toISOString()
    fold.apply({
      kind,
      run_id: 'r',
      seq,
      at,
      node_id: node,
      step_id: `s${String(seq)}`,
      path,
      data: data as Record<string, unknown>,
    })
  }
  tell('step.started', 'loop', null)
  for (const index of [0, 10, 2]) {
    tell('step.started', 'call', `loop[${String(index)}]`)
    tell('step.started', 'ask', `loop[${String(index)}]/call[0]`, { node_type: 'prompt', name: 'Q' })
    if (index === 2) tell('step.failed', 'ask', 'loop[2]/call[0]', { error: { message: 'x' } })
  }
  tell('step.started', 'loops', null)
  tell('step.started', 'x', 'loops[0]')
  return fold
}

describe('the steps inside a step', () => {
  const paths = byPath(record().steps())
  const stepsIn = (path: string) => paths.get(path) ?? []

  it('are grouped by iteration, in the order of their numbers', () => {
    expect(scopesOf('loop', paths.keys())).toEqual([
      { path: 'loop[0]', index: 0 },
      { path: 'loop[2]', index: 2 },
      { path: 'loop[10]', index: 10 },
    ])
    expect(stepsIn('loop[2]').map((step) => step.nodeId)).toEqual(['call'])
  })

  it('are found at any depth', () => {
    expect(scopesOf('loop[10]/call', paths.keys())).toEqual([{ path: 'loop[10]/call[0]', index: 0 }])
    const [asked] = stepsIn('loop[10]/call[0]')
    expect(asked).toMatchObject({ nodeId: 'ask', nodeType: 'prompt', name: 'Q' })
  })

  it('make known which steps hold others', () => {
    expect(holders(paths.keys())).toEqual(
      new Set(['loop', 'loop[0]/call', 'loop[10]/call', 'loop[2]/call', 'loops']),
    )
  })

  it('stand together as their worst', () => {
    expect(standing(stepsIn('loop[2]/call[0]'))).toBe('failed')
    expect(standing(stepsIn('loop[0]/call[0]'))).toBe('running')
    expect(standing([])).toBe('completed')
  })
})
