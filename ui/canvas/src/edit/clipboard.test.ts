import { describe, expect, it } from 'vitest'
import { absolutePosition, edgesOf, nodeOf, places, usedIds } from '../document/document'
import { randomDefinition, sample } from '../document/samples'
import { copy, freshName, paste, read, renameSteps, write } from './clipboard'

const HERE = { scope: null, at: { x: 0, y: 600 } } as const

function duplicate(ids: readonly string[]) {
  const clip = read(write(copy(sample(), new Set(ids))!))!
  return paste(sample(), clip, HERE)
}

describe('copy and paste', () => {
  it('brings nodes, the edges among them, and fresh ids and names', () => {
    const { definition, ids } = duplicate(['start', 'a', 'each'])
    expect(ids).toEqual(['start_2', 'a_2', 'each_2'])
    expect(nodeOf(definition, 'a_2')?.name).toBe('a 2')
    const made = edgesOf(definition).filter(({ edge }) => edge.source.endsWith('_2'))
    expect(made.map(({ edge }) => [edge.source, edge.target])).toEqual([
      ['start_2', 'a_2'],
      ['a_2', 'each_2'],
      ['b_2', 'c_2'],
    ])
  })

  it('lets expressions follow the new ids', () => {
    const { definition } = duplicate(['each'])
    expect(nodeOf(definition, 'c_2')?.params).toEqual({
      prompt: '{{ steps.b_2.text }} of {{ item }}',
    })
    expect(nodeOf(definition, 'c')?.params).toEqual({ prompt: '{{ steps.b.text }} of {{ item }}' })
  })

  it('keeps the arrangement and puts its corner where asked', () => {
    const { definition } = duplicate(['a', 'each'])
    expect(absolutePosition(definition, 'a_2')).toEqual({ x: 0, y: 600 })
    expect(absolutePosition(definition, 'each_2')).toEqual({ x: 320, y: 600 })
  })

  it('takes a node out of a body and into one', () => {
    const out = duplicate(['b'])
    expect(places(out.definition).get('b_2')?.scope).toBeNull()
    const clip = copy(sample(), new Set(['a']))!
    const into = paste(sample(), clip, { scope: 'each', at: { x: 48, y: 96 } })
    expect(places(into.definition).get('a_2')?.scope).toBe('each')
  })

  it('copies a body once when a container and its steps are chosen', () => {
    const { ids } = duplicate(['each', 'b', 'c'])
    expect(ids).toEqual(['each_2'])
  })

  it('leaves out what may not be placed', () => {
    const clip = copy(sample(), new Set(['start', 'a']))!
    const result = paste(sample(), clip, {
      ...HERE,
      refuse: (type) => (type === 'start' ? 'one start' : null),
    })
    expect(result.ids).toEqual(['a_2'])
    expect(result.refused).toEqual(['one start'])
  })

  it('never makes two things with one id', () => {
    for (let seed = 0; seed < 100; seed++) {
      let definition = randomDefinition(seed)
      for (let round = 0; round < 3; round++) {
        const clip = copy(definition, new Set(places(definition).keys()))!
        definition = paste(definition, clip, HERE).definition
      }
      const all = [
        ...[...places(definition).keys()],
        ...edgesOf(definition).map(({ edge }) => edge.id),
        ...(definition.notes ?? []).map(({ id }) => id),
      ]
      expect(usedIds(definition).size).toBe(all.length)
      expect(countNodes(definition)).toBe(places(definition).size)
    }
  })

  it('reads a whole workflow document, and nothing else', () => {
    expect(read(JSON.stringify({ name: 'x', definition: sample() }))?.nodes).toHaveLength(4)
    expect(read('hello')).toBeNull()
    expect(read('{"nodes": [{"id": 1}]}')).toBeNull()
    expect(read('[1]')).toBeNull()
    expect(read('null')).toBeNull()
  })

  it('copies notes', () => {
    expect(duplicate(['note']).definition.notes).toHaveLength(2)
  })
})

describe('names', () => {
  it('count up', () => {
    expect(freshName(new Set(['Greet']), 'Greet')).toBe('Greet 2')
    expect(freshName(new Set(['Greet', 'Greet 2']), 'Greet 2')).toBe('Greet 3')
    expect(freshName(new Set(), 'Greet')).toBe('Greet')
  })

  it('of steps change in expressions only, and only whole ones', () => {
    const ids = new Map([['a', 'a_2']])
    expect(renameSteps('{{ steps.a.x + steps.ab.y + steps["a"].z }}', ids)).toBe(
      '{{ steps.a_2.x + steps.ab.y + steps["a_2"].z }}',
    )
    expect(renameSteps('see steps.a', ids)).toBe('see steps.a')
  })
})

function countNodes(value: unknown): number {
  const body = value as { nodes?: { body?: unknown }[] }
  return (body.nodes ?? []).reduce((sum, one) => sum + 1 + (one.body ? countNodes(one.body) : 0), 0)
}
