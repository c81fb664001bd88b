import { describe, expect, it } from 'vitest'
import type { Definition, NodeType } from '../seam'
import { fittingTypes, type Waiting } from './fitting'

function type(name: string, category: string, more: Partial<NodeType> = {}): NodeType {
  const ends = { inputs: [{ name: 'in' }], outputs: [{ name: 'out' }] }
  return {
    type: name,
    title: name,
    description: '',
    category,
    icon: '',
    params_schema: {},
    ...ends,
    ...more,
  }
}

const table = { params_schema: { properties: { table: {} } } }
const TYPES = new Map(
  [
    type('start', 'flow', { inputs: [] }),
    type('end', 'flow', { outputs: [] }),
    type('wait', 'flow'),
    type('prompt', 'ai'),
    type('read_file', 'tables'),
    type('sort_rows', 'tables', table),
    type('chart', 'tables', table),
  ].map((one) => [one.type, one]),
)
const DRAWING: Definition = {
  nodes: [
    { id: 'file', type: 'read_file' },
    { id: 'ask', type: 'prompt' },
    { id: 'sort', type: 'sort_rows' },
  ],
  edges: [{ id: 'e1', source: 'file', target: 'sort' }],
}
const from = (node: string): Waiting => ({ loose: { node, port: 'out', side: 'source' } })
const names = (waiting: Waiting, query = '', seen?: (id: string) => boolean): string[] =>
  fittingTypes(DRAWING, TYPES, waiting, query, seen).map((one) => one.type.type)

describe('types for a waiting wire', () => {
  it('begin with those that take what comes', () => {
    expect(names(from('file')).slice(0, 2)).toEqual(['chart', 'sort_rows'])
    expect(names(from('ask')).slice(-2)).toEqual(['chart', 'sort_rows'])
  })

  it('go by what a run has shown, where there was one', () => {
    expect(names(from('ask'), '', () => true)[0]).toBe('chart')
  })

  it('give a table to a step that wants one', () => {
    const before: Waiting = { loose: { node: 'sort', port: 'in', side: 'target' } }
    expect(names(before).slice(0, 2)).toEqual(['read_file', 'sort_rows'])
    expect(names({ edge: 'e1' })[0]).toBe('sort_rows')
    expect(names({ edge: 'e1' })).not.toContain('end')
  })

  it('show those that do not fit when they are asked for, last and with the reason', () => {
    expect(names(from('ask'))).not.toContain('start')
    const found = fittingTypes(DRAWING, TYPES, from('ask'), 'start')
    expect(found.at(-1)).toMatchObject({ type: { type: 'start' } })
    expect(found.at(-1)?.refusal).toContain('nothing can lead into it')
  })

  it('are all as good where nothing waits', () => {
    expect(names({})).toContain('start')
    expect(names({})).toContain('end')
  })
})
