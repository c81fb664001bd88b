import { describe, expect, it } from 'vitest'
import type { Root } from './expressions'
import { choiceOffers, nameOffers } from './offering'

const roots: Root[] = [
  { name: 'input', label: 'L', group: 'G', icon: 'i', value: { lower: 1 }, known: true },
]

describe('what is offered', () => {
  it('is data alone at first, and functions as well once something is typed', () => {
    expect(nameOffers(roots, '', false).map((offer) => offer.path)).toEqual([
      'input',
      'input.lower',
    ])
    const found = nameOffers(roots, 'low', false).map((offer) => offer.path)
    expect(found[0]).toBe('input.lower')
    expect(found).toContain('lower()')
  })

  it('is functions alone behind a pipe, with room for what they still need', () => {
    const found = nameOffers(roots, '', true).map((offer) => offer.path)
    expect(found).toContain('lower')
    expect(found).toContain('truncate()')
    expect(found).not.toContain('input')
  })

  it('is every choice while one of them is there already', () => {
    expect(choiceOffers(['mock', 'other'], 'mock')).toHaveLength(2)
    expect(choiceOffers(['mock', 'other'], 'oth').map((offer) => offer.path)).toEqual(['other'])
  })
})
