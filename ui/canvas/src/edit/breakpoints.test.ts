// @vitest-environment happy-dom
import { beforeEach, expect, it } from 'vitest'
import { Breakpoints } from './breakpoints'

beforeEach(() => localStorage.clear())

it('keeps places per workflow in this browser', () => {
  const first = new Breakpoints('w')
  expect(first.toggle('a', 'before')).toBe(true)
  expect(first.toggle('a', 'after')).toBe(true)
  expect(first.toggle('b', 'before')).toBe(true)
  expect(first.toggle('b', 'before')).toBe(false)
  const again = new Breakpoints('w')
  expect(again.of(() => true)).toEqual(['a', 'a:after'])
  expect(again.has('a', 'after')).toBe(true)
  expect(new Breakpoints('other').places.value.size).toBe(0)
})

it('sends none of nodes that are gone, and does not keep what a run brought', () => {
  const places = new Breakpoints('w')
  places.toggle('a', 'after')
  expect(places.of((id) => id !== 'a')).toEqual([])
  places.show(['x:before', 'y:after'])
  expect(places.has('x', 'before')).toBe(true)
  expect(new Breakpoints('w').of(() => true)).toEqual(['a:after'])
})
