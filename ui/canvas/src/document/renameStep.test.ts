import { expect, it } from 'vitest'
import type { Definition, NodeType } from '../seam'
import { follows, idFor, readersOf, withId } from './renameStep'
import { edge, node } from './samples'

const types = new Map<string, NodeType>([
  ['python', { params_schema: { properties: { code: { 'x-expression': false } } } } as unknown as NodeType],
])

function drawing(): Definition {
  return {
    nodes: [
      node('a', 'template'),
      node('ab', 'template', { params: { text: 'steps.a {{ steps.a.text + steps["a"]["b"] + steps.ab.a }} ${steps.a}' } }),
      node('both', 'template', { params: { text: '{{ prev.a.text }} {{ "steps.a" }} {{ item.prev.a }}' } }),
      node('py', 'python', { params: { code: 'x = "{{ steps.a }}"', inputs: { n: ['{{ steps.a.n }}'] } } }),
      node('each', 'for_each', {
        body: { nodes: [node('in', 'template', { params: { text: "{{ steps['a'].x }}" } })], edges: [] },
      }),
    ],
    edges: [edge('1', 'a', 'ab'), edge('2', 'a', 'both'), edge('3', 'ab', 'both'), edge('4', 'ab', 'py')],
    groups: [{ id: 'g', members: ['a', 'ab'] }],
  } as unknown as Definition
}

it('rewrites each reference and nothing that only looks like one', () => {
  const now = withId(drawing(), types, 'a', 'in_stock')
  const [first, second, both, py, each] = now.nodes!
  expect(first!.id).toBe('in_stock')
  expect(second!.params!['text']).toBe(
    'steps.a {{ steps.in_stock.text + steps["in_stock"]["b"] + steps.ab.a }} ${steps.in_stock}',
  )
  expect(both!.params!['text']).toBe('{{ prev.in_stock.text }} {{ "steps.a" }} {{ item.prev.a }}')
  expect(py!.params).toEqual({ code: 'x = "{{ steps.a }}"', inputs: { n: ['{{ steps.in_stock.n }}'] } })
  expect(each!.body!.nodes![0]!.params!['text']).toBe("{{ steps['in_stock'].x }}")
  expect(now.edges!.map(({ source }) => source)).toEqual(['in_stock', 'in_stock', 'ab', 'ab'])
  expect((now as unknown as { groups: unknown }).groups).toEqual([{ id: 'g', members: ['in_stock', 'ab'] }])
})

it('knows who reads a step', () => {
  expect(readersOf(drawing(), types, 'a')).toEqual(['ab', 'both', 'py', 'in'])
  expect(readersOf(drawing(), types, 'py')).toEqual([])
})

it.each([
  ['In stock', 'in_stock'],
  ['Größe (Stück)', 'grosse_stuck'],
  ['2nd try', 'n2nd_try'],
  ['在庫', ''],
])('%s is %s', (name, id) => expect(idFor(name)).toBe(id))

it('tells ids that were made from those that were chosen', () => {
  expect(follows('set_fields_2', 'set_fields')).toBe(true)
  expect(follows('set_fields_x', 'set_fields')).toBe(false)
  expect(follows('x', '')).toBe(false)
})
