import { describe, expect, it } from 'vitest'
import { match, pieces } from './matching'

function best(query: string, titles: readonly (readonly [string, string?])[]): string[] {
  return titles
    .flatMap(([title, words]) => {
      const found = match(query, title, words)
      return found ? [{ title, points: found.points }] : []
    })
    .sort((a, b) => b.points - a.points)
    .map(({ title }) => title)
}

describe('matching', () => {
  it('puts begins before middles, and those before letters in order', () => {
    const titles = [['Rerun'], ['Run'], ['Show runs'], ['Reply to unhappy customers']] as const
    expect(best('run', titles)).toEqual(['Run', 'Show runs', 'Rerun'])
    expect(best('dplc', [['Duplicate'], ['Do a place of the list']])).toEqual(['Duplicate'])
  })

  it('takes initials', () => {
    expect(best('rfh', [['Run from here'], ['Refresh'], ['Run this step']])).toContain('Run from here')
  })

  it('needs every word, in any order, and takes synonyms', () => {
    expect(best('up run', [['Run up to here'], ['Run from here']])).toEqual(['Run up to here'])
    expect(best('arrange', [['Tidy up', 'arrange layout'], ['Duplicate', 'copy']])).toEqual(['Tidy up'])
    expect(match('zzz', 'Tidy up', 'arrange')).toBeNull()
  })

  it('answers nothing asked with everything', () => {
    expect(match('  ', 'Tidy up')).toEqual(match('', 'Select all'))
  })

  it('shows which letters matched', () => {
    const found = match('tid up', 'Tidy up')!
    expect(pieces('Tidy up', found.spans)).toEqual([
      { text: 'Tid', marked: true },
      { text: 'y ', marked: false },
      { text: 'up', marked: true },
    ])
    expect(pieces('x', [])).toEqual([{ text: 'x', marked: false }])
  })

  it('takes signs and other scripts as letters, never as patterns', () => {
    expect(match('é', 'Prix é')).not.toBeNull()
    expect(match('.*', 'Tidy up')).toBeNull()
    expect(match('客户', '读取客户')).not.toBeNull()
  })
})
