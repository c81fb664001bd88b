// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest'
import { arrange, recentKeys, remember, type Offer } from './offers'

function offer(key: string, title: string, more: Partial<Offer> = {}): Offer {
  return {
    key,
    kind: 'do',
    title,
    note: '',
    words: '',
    icon: '',
    caps: '',
    refusal: null,
    take: () => undefined,
    ...more,
  }
}

const OFFERS = [
  offer('do:undo', 'Undo', { refusal: 'Nothing was changed yet.' }),
  offer('do:tidy', 'Tidy up', { words: 'arrange' }),
  offer('go:w:a', 'Go to Arrange tables', { kind: 'go' }),
  offer('add:wait', 'Add Wait', { kind: 'add', words: 'delay' }),
]
const keys = (query: string, recent: readonly string[] = []): string[] =>
  arrange(OFFERS, query, recent).flatMap((group) => group.offers.map(({ key }) => key))

beforeEach(() => localStorage.clear())

describe('what the palette offers', () => {
  it('is grouped before anything is asked, with what was used last on top', () => {
    const groups = arrange(OFFERS, '', ['add:wait', 'gone', 'do:undo'])
    expect(groups.map(({ title }) => title)).toEqual(['Used last', 'Actions', 'Go to a step'])
    expect(groups[0]?.offers.map(({ key }) => key)).toEqual(['add:wait'])
    expect(groups[1]?.offers.map(({ key }) => key)).toEqual(['do:tidy', 'do:undo'])
  })

  it('is the best first, then what was used', () => {
    expect(keys('delay')).toEqual(['add:wait'])
    expect(keys('arrange')).toEqual(['go:w:a', 'do:tidy'])
    expect(keys('u')).toEqual(['do:tidy', 'do:undo'])
    expect(keys('nothing of it')).toEqual([])
  })

  it('remembers the last few, each once', () => {
    for (let at = 0; at < 12; at++) remember(`k${at}`)
    remember('k11')
    remember('k9')
    expect(recentKeys()).toHaveLength(8)
    expect(recentKeys().slice(0, 3)).toEqual(['k9', 'k11', 'k10'])
    localStorage.setItem('heddle:commands', '{"broken"')
    expect(recentKeys()).toEqual([])
  })
})
