import { describe, expect, it } from 'vitest'
import type { Definition, NodeType } from '../seam'
import { planPart, tellPart } from './parts'

function type(name: string, more: Partial<NodeType> = {}): NodeType {
  return {
    type: name,
    title: name,
    description: '',
    category: 'flow',
    icon: '',
    params_schema: {},
    inputs: [{ name: 'in' }],
    outputs: [{ name: 'out' }],
    ...more,
  }
}

const TYPES = new Map(
  [
    type('step'),
    type('if', { outputs: [{ name: 'true' }, { name: 'false' }] }),
    type('merge', {
      join_param: 'mode',
      params_schema: { properties: { mode: { default: 'all' } } },
    }),
    type('each', { container: true }),
  ].map((one) => [one.type, one]),
)

/** `a>b c:true>d` as a drawing; the first letters of types may be given after a slash. */
function drawing(text: string, more: Record<string, object> = {}): Definition {
  const nodes = new Map<string, Record<string, unknown>>()
  const edges = text.split(' ').map((edge, index) => {
    const [from = '', target = ''] = edge.split('>')
    const [source = '', port = 'out'] = from.split(':')
    for (const id of [source, target]) nodes.set(id, { id, type: 'step', ...more[id] })
    return { id: `e${index}`, source, source_port: port, target, target_port: 'in' }
  })
  return { nodes: [...nodes.values()] as never, edges }
}

describe('the part of a drawing that a run executes', () => {
  const line = drawing('c>d a>b b>c')

  it('is the step alone, with the data of what leads to it', () => {
    const plan = planPart(line, TYPES, 'node', 'c')!
    expect(plan.runs).toEqual(['c'])
    expect(plan.taken).toEqual(['b'])
  })

  it('is everything up to it, sources first', () => {
    const plan = planPart(line, TYPES, 'until', 'c')!
    expect(plan.runs).toEqual(['a', 'b', 'c'])
    expect(plan.taken).toEqual([])
  })

  it('is everything from it on, with the data that other branches bring', () => {
    const plan = planPart(drawing('a>b b>d x>d'), TYPES, 'from', 'b')!
    expect(plan.runs).toEqual(['b', 'd'])
    expect([...plan.taken].sort()).toEqual(['a', 'x'])
  })

  it('leaves out what is switched off, and what only that leads to', () => {
    const plan = planPart(drawing('a>b b>c c>d', { b: { disabled: true } }), TYPES, 'until', 'd')!
    expect(plan.runs).toEqual(['a'])
    expect(plan.skipped).toEqual(['b', 'c', 'd'])
  })

  it('knows that one of two ways is enough, but not for a merge of all', () => {
    const off = { b: { disabled: true } }
    expect(planPart(drawing('a>b a>c b>d c>d', off), TYPES, 'until', 'd')!.runs).toContain('d')
    const merge = { ...off, d: { type: 'merge' } }
    expect(planPart(drawing('a>b a>c b>d c>d', merge), TYPES, 'until', 'd')!.skipped).toContain('d')
    const any = { ...off, d: { type: 'merge', params: { mode: 'any' } } }
    expect(planPart(drawing('a>b a>c b>d c>d', any), TYPES, 'until', 'd')!.runs).toContain('d')
  })

  it('says where a branch decides, and where pinned data stands in', () => {
    const branch = drawing('a>b b:true>c b:false>d', { b: { type: 'if' } })
    expect(planPart(branch, TYPES, 'from', 'a')!.branches).toBe(true)
    expect(planPart(branch, TYPES, 'until', 'b')!.branches).toBe(false)
    const pinned = planPart(drawing('a>b b>c', { b: { pinned: { output: 1 } } }), TYPES, 'from', 'a')!
    expect(pinned.runs).toEqual(['a', 'c'])
    expect(pinned.pinned).toEqual(['b'])
  })

  it('is of the top level only, and ends in a circle too', () => {
    expect(planPart(line, TYPES, 'node', 'nowhere')).toBeNull()
    expect(planPart(drawing('a>b b>a'), TYPES, 'until', 'a')!.runs).toHaveLength(2)
  })

  it('is told by count and name', () => {
    const told = (how: 'node' | 'until'): string =>
      tellPart(planPart(line, TYPES, how, 'c')!, (id) => id.toUpperCase())
    expect(told('until')).toBe('Will run 3 steps: A, B, C.')
    expect(told('node')).toBe('Will run 1 step: C; takes the last data of B.')
    const many = drawing(Array.from({ length: 9 }, (_, at) => `n${at}>n${at + 1}`).join(' '))
    expect(tellPart(planPart(many, TYPES, 'until', 'n9')!, (id) => id)).toBe(
      'Will run 10 steps: n0, n1, n2, n3, n4, n5 and 4 more.',
    )
  })
})
