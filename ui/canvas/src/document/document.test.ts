import { describe, expect, it } from 'vitest'
import type { Definition } from '../seam'
import { fromFlow, toFlow } from '../surface/flow'
import {
  absolutePosition,
  addToScope,
  containersOf,
  edgesOf,
  freshId,
  nodeOf,
  patchNode,
  places,
  remove,
  rescope,
  scopeOf,
  upstreamOf,
} from './document'
import { TYPES, edge, node, random, randomDefinition, sample } from './samples'

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)

describe('a definition on the canvas and back', () => {
  it('is the same object when nothing moved', () => {
    for (const seed of SEEDS) {
      const definition = randomDefinition(seed)
      expect(fromFlow(definition, toFlow(definition, TYPES).nodes)).toBe(definition)
    }
  })

  it('takes every new position, bodies included, and changes nothing else', () => {
    for (const seed of SEEDS) {
      const definition = randomDefinition(seed)
      const next = random(seed + 1)
      const moved = toFlow(definition, TYPES).nodes.map(({ id }) => ({
        id,
        position: { x: Math.floor(next() * 999), y: Math.floor(next() * 999) },
      }))
      const result = fromFlow(definition, moved)
      for (const { id, position } of moved) {
        expect((nodeOf(result, id) ?? result.notes?.find((n) => n.id === id))?.position).toEqual(
          position,
        )
      }
      expect(stripped(result)).toEqual(stripped(definition))
    }
  })

  it('draws every node once, parents first, and every edge', () => {
    for (const seed of SEEDS) {
      const definition = randomDefinition(seed)
      const { nodes, edges } = toFlow(definition, TYPES)
      const at = new Map(nodes.map(({ id }, index) => [id, index]))
      expect(at.size).toBe(places(definition).size + (definition.notes ?? []).length)
      for (const drawn of nodes) {
        if (drawn.parentNode !== undefined) {
          expect(at.get(drawn.parentNode)!).toBeLessThan(at.get(drawn.id)!)
          expect(scopeOf(definition, drawn.id)).toBe(drawn.parentNode)
        }
      }
      expect(edges.map(({ id }) => id).sort()).toEqual(
        edgesOf(definition)
          .map(({ edge }) => edge.id)
          .sort(),
      )
    }
  })

  it('leaves out an edge whose end is missing, and keeps it in the document', () => {
    const definition = { ...sample(), edges: [edge('lost', 'a', 'nobody')] }
    expect(toFlow(definition, TYPES).edges.map(({ id }) => id)).toEqual(['e3'])
    expect(definition.edges).toHaveLength(1)
  })
})

describe('changes', () => {
  it('share everything they do not touch', () => {
    const before = sample()
    const after = patchNode(before, 'b', { params: { text: 'x' } })
    expect(nodeOf(after, 'a')).toBe(nodeOf(before, 'a'))
    expect(nodeOf(after, 'c')).toBe(nodeOf(before, 'c'))
    expect(after.edges).toBe(before.edges)
    expect(nodeOf(after, 'each')).not.toBe(nodeOf(before, 'each'))
    expect(nodeOf(before, 'b')?.params).toEqual({})
  })

  it('drop a key that is patched with undefined', () => {
    const after = patchNode(sample(), 'a', { timeout_ms: 5, disabled: undefined })
    expect(nodeOf(after, 'a')).toMatchObject({ timeout_ms: 5 })
    expect(Object.keys(nodeOf(after, 'a')!)).not.toContain('disabled')
  })

  it('remove edges with their nodes, in bodies too', () => {
    const after = remove(sample(), new Set(['a', 'b']))
    expect([...places(after).keys()]).toEqual(['start', 'each', 'c', 'end'])
    expect(edgesOf(after).map(({ edge }) => edge.id)).toEqual(['e4'])
  })

  it('remove notes and single edges', () => {
    const after = remove(sample(), new Set(['note', 'e1']))
    expect(after.notes).toEqual([])
    expect(edgesOf(after).map(({ edge }) => edge.id)).toEqual(['e2', 'e4', 'e3'])
  })

  it('return the same definition when there is nothing to remove', () => {
    const before = sample()
    expect(remove(before, new Set(['nobody']))).toBe(before)
  })

  it('move a node into a container and out, without its edges', () => {
    const inside = rescope(sample(), 'a', 'each', { x: 48, y: 96 })
    expect(scopeOf(inside, 'a')).toBe('each')
    expect(
      edgesOf(inside)
        .map(({ edge }) => edge.id)
        .sort(),
    ).toEqual(['e3', 'e4'])
    expect(absolutePosition(inside, 'a')).toEqual({ x: 688, y: 96 })
    const outside = rescope(inside, 'c', null, { x: 0, y: 0 })
    expect(containersOf(outside, 'c')).toEqual([])
  })

  it('never put a container into itself', () => {
    const nested = addToScope(sample(), 'each', [node('inner', 'for_each', { body: {} })])
    expect(rescope(nested, 'each', 'inner', { x: 0, y: 0 })).toBe(nested)
    expect(rescope(nested, 'each', 'each', { x: 0, y: 0 })).toBe(nested)
  })
})

describe('reading', () => {
  it('finds what is upstream, nearest first, and beyond the container', () => {
    expect(upstreamOf(sample(), 'c').map(({ id }) => id)).toEqual(['b', 'a', 'start'])
  })

  it('makes ids that can stand in an expression', () => {
    expect(freshId(new Set(), 'http-request')).toBe('http_request')
    expect(freshId(new Set(['wait', 'wait_2']), 'wait')).toBe('wait_3')
    expect(freshId(new Set(), '2nd')).toBe('n2nd')
  })
})

function stripped(definition: Definition): unknown {
  return JSON.parse(
    JSON.stringify(definition, (key, value: unknown) => (key === 'position' ? 0 : value)),
  )
}
