import { expect, it } from 'vitest'
import { addToScope, move, patchNode } from '../document/document'
import { node, sample } from '../document/samples'
import { changedSince, staleSteps, timeAgo } from './stale'

it('names the steps that would run otherwise', () => {
  let now = move(sample(), new Map([['a', { x: 9, y: 9 }]]))
  expect(changedSince(sample(), now)).toEqual([])
  now = patchNode(addToScope(now, null, [node('new')]), 'end', { name: 'The end' })
  expect(changedSince(sample(), now)).toEqual([])
  expect(changedSince(sample(), patchNode(now, 'b', { params: { text: 'x' } }))).toEqual(['b'])
})

it.each([
  [30, 'just now'],
  [120, '2 min ago'],
  [7200, '2 h ago'],
  [500_000, '5 days ago'],
])('tells %s seconds as “%s”', (seconds, text) =>
  expect(timeAgo('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)).toBe(text),
)

it('names what depends on a changed step, too', () => {
  expect(staleSteps(sample(), move(sample(), new Map([['a', { x: 9, y: 9 }]]))).size).toBe(0)
  const stale = staleSteps(sample(), patchNode(sample(), 'a', { params: { text: 'x' } }))
  expect(stale.get('a')).toBe('changed')
  expect(stale.get('end')).toBe('after')
  expect(stale.has('start')).toBe(false)
})

it('takes another connection for a change of the step that it leads to', () => {
  const now = { ...sample(), edges: (sample().edges ?? []).slice(0, -1) }
  const lost = sample().edges!.at(-1)!
  expect(staleSteps(sample(), now).get(lost.target)).toBe('changed')
})
