import { describe, expect, it } from 'vitest'
import type { NodeType } from '../seam'
import { search } from './search'

function type(title: string, category: string, ...keywords: string[]): NodeType {
  const name = title.toLowerCase().replace(/ /g, '_')
  const rest = { description: '', icon: '', params_schema: {}, inputs: [], outputs: [] }
  return { type: name, title, category, keywords, ...rest }
}

const TYPES = [
  type('Merge', 'flow', 'join'),
  type('For each', 'flow', 'loop', 'iterate'),
  type('Select columns', 'tables', 'rename'),
  type('Join tables', 'tables', 'lookup'),
  type('Prompt', 'ai', 'llm', 'ai', 'model'),
]
const found = (query: string): string[] => search(TYPES, query).map((one) => one.title)

describe('searching the palette', () => {
  it('finds a step by what others call it', () => {
    expect(found('llm')[0]).toBe('Prompt')
    expect(found('mod')[0]).toBe('Prompt')
    expect(found('iterate')).toEqual(['For each'])
  })

  it('puts titles before synonyms', () => {
    expect(found('join')).toEqual(['Join tables', 'Merge'])
    expect(found('merge')[0]).toBe('Merge')
  })
})
