import { expect, it } from 'vitest'
import { edgesOf, nodeOf, places } from './document'
import { overlaps, sizeOf } from './geometry'
import { layout } from './layout'
import { TYPES, edge, node, randomDefinition, sample } from './samples'

it('puts every step to the right of what leads to it, and bodies inside their containers', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const laid = await layout(randomDefinition(seed), TYPES)
    for (const { edge: one } of edgesOf(laid)) {
      expect(nodeOf(laid, one.target)!.position!.x).toBeGreaterThan(
        nodeOf(laid, one.source)!.position!.x,
      )
    }
    const boxes = [...places(laid).values()].map(({ node: one, scope }) => ({
      scope,
      id: one.id,
      ...one.position!,
      ...sizeOf(one, TYPES.get(one.type)),
    }))
    for (const a of boxes) {
      const outer = a.scope === null ? null : nodeOf(laid, a.scope)!.size!
      if (outer) {
        expect(a.x + a.width).toBeLessThanOrEqual(outer.width)
        expect(a.y + a.height).toBeLessThanOrEqual(outer.height)
      }
      for (const b of boxes)
        if (a.id < b.id && a.scope === b.scope) expect(overlaps(a, b)).toBe(false)
    }
  }
})

it('leads upper ports upwards', async () => {
  const definition = {
    nodes: [node('no'), node('start', 'start'), node('if', 'if'), node('yes')],
    edges: [
      edge('e1', 'start', 'if'),
      edge('e2', 'if', 'no', 'false'),
      edge('e3', 'if', 'yes', 'true'),
    ],
  }
  const laid = await layout(definition, TYPES)
  expect(nodeOf(laid, 'yes')!.position!.y).toBeLessThan(nodeOf(laid, 'no')!.position!.y)
})

it('moves only the chosen steps', async () => {
  const laid = await layout(sample(), TYPES, new Set(['a', 'each']))
  expect(nodeOf(laid, 'end')).toBe(nodeOf(laid, 'end'))
  expect(nodeOf(laid, 'end')!.position).toEqual({ x: 1376, y: 0 })
})
