import { describe, expect, it } from 'vitest'
import { sample } from '../document/samples'
import { firstOf, lastOf } from './selection'

describe('a part of a selection', () => {
  it('begins and ends with the step that all others follow or lead to', () => {
    expect(lastOf(sample(), ['start', 'a', 'each'])).toBe('each')
    expect(firstOf(sample(), ['each', 'start', 'a'])).toBe('start')
  })

  it('has no end where the selection tells none', () => {
    const two = {
      nodes: ['x', 'y', 'z'].map((id) => ({ id, type: 't' })),
      edges: [
        { id: 'e1', source: 'x', target: 'y' },
        { id: 'e2', source: 'x', target: 'z' },
      ],
    }
    expect(lastOf(two, ['x', 'y', 'z'])).toBeNull()
    expect(firstOf(two, ['x', 'y', 'z'])).toBe('x')
    expect(firstOf(two, ['y', 'z'])).toBeNull()
  })

  it('is of the top level', () => {
    expect(lastOf(sample(), ['b', 'c'])).toBeNull()
  })
})
