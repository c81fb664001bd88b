import { describe, expect, it } from 'vitest'
import type { Definition, NodeType } from '../seam'
import { findSteps } from './find'

const PROMPT: NodeType = {
  type: 'prompt',
  title: 'Prompt',
  description: '',
  category: 'ai',
  icon: '',
  params_schema: { properties: { prompt: { title: 'Question' }, checks: { type: 'array' } } },
  inputs: [{ name: 'in' }],
  outputs: [{ name: 'out' }],
}
const TYPES = new Map([[PROMPT.type, PROMPT]])

const DRAWING: Definition = {
  nodes: [
    { id: 'far', type: 'prompt', name: 'Judge', position: { x: 900, y: 0 } },
    {
      id: 'each',
      type: 'for_each',
      name: 'All customers',
      position: { x: 300, y: 0 },
      body: {
        nodes: [
          {
            id: 'ask',
            type: 'prompt',
            name: 'Ask',
            params: {
              prompt: `${'x'.repeat(100)} write a LETTER to {{ item.name }}`,
              limit: 42,
              checks: [{ column: 'postcode' }],
            },
            position: { x: 40, y: 60 },
          },
        ],
      },
    },
    { id: 'set', type: 'set_fields', params: { fields: { postal_code: ['ab', { deep: 'Oslo' }] } } },
  ],
  notes: [{ id: 'n1', text: 'Letters go out on Monday', position: { x: 100, y: 0 } }],
}

const ids = (query: string): string[] => findSteps(DRAWING, TYPES, query).map(({ id }) => id)

describe('searching the drawing', () => {
  it('finds names, types and ids, left to right, inside containers as well', () => {
    expect(ids('judge')).toEqual(['far'])
    expect(ids('prompt')).toEqual(['ask', 'far'])
    expect(ids('each')).toEqual(['each'])
  })

  it('finds what is written in settings and notes, and tells where', () => {
    const hits = findSteps(DRAWING, TYPES, 'letter')
    expect(hits.map(({ id, where }) => [id, where])).toEqual([
      ['n1', 'Note'],
      ['ask', 'Question'],
    ])
    expect(hits[1]?.text).toContain('write a LETTER to')
    expect(hits[1]?.text.length).toBeLessThan(110)
    expect(ids('postal_code')).toEqual(['set'])
    expect(ids('oslo')).toEqual(['set'])
    expect(ids('42')).toEqual(['ask'])
    expect(ids('postcode')).toEqual(['ask'])
    expect(ids('column')).toEqual([])
  })

  it('wants all words at one place, and takes signs as they are', () => {
    expect(ids('letter write')).toEqual(['ask'])
    expect(ids('letter oslo')).toEqual([])
    expect(ids('{{ item.name }}')).toEqual(['ask'])
    expect(ids('.*')).toEqual([])
    expect(ids('   ')).toEqual([])
  })
})
