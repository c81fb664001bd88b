// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest'
import { patchNode } from '../document/document'
import { sample } from '../document/samples'
import { parse, stringify } from '../json'
import type { Definition } from '../seam'
import { History } from './history'
import { keepHistory, recallHistory } from './keptHistory'

beforeEach(() => sessionStorage.clear())

function historyOf(count: number, first: Definition = sample()): History<Definition> {
  const history = new History(first)
  for (let n = 1; n <= count; n++)
    history.commit(patchNode(history.state, 'a', { name: `Name ${n}` }), `Edit ${n}`)
  return history
}

function keep(history: History<Definition>, selected: string[] = []): void {
  const { entries, position } = history
  keepHistory('w', { entries, position, selected })
}

describe('the undo log after a reload', () => {
  it('undoes and redoes as before', () => {
    const history = historyOf(5)
    history.undo()
    keep(history, ['a'])
    // The server gives the drawing back as other objects.
    const opened = parse(stringify(history.state)) as Definition
    const kept = recallHistory('w', opened)!
    expect(kept.selected).toEqual(['a'])
    const again = new History<Definition>(opened)
    again.restore(kept.entries, kept.position)
    expect(again.state).toBe(opened)
    expect([again.undoLabel, again.redoLabel]).toEqual(['Edit 4', 'Edit 5'])
    expect(again.redo()).toEqual(historyOf(5).state)
    for (let n = 0; n < 5; n++) again.undo()
    expect(again.state).toEqual(sample())
    expect(again.canUndo).toBe(false)
  })

  it('keeps every number, and steps that are alike only once', () => {
    const exact = parse('{"id":7615917337495251231,"x":1.0}') as Record<string, unknown>
    const long = 'x'.repeat(20_000)
    const first = patchNode(patchNode(sample(), 'end', { params: { long } }), 'a', { params: exact })
    keep(historyOf(50, first))
    expect(sessionStorage.getItem('heddle:history:w')!.length).toBeLessThan(60_000)
    const kept = recallHistory('w', historyOf(50, first).state)!
    expect(stringify(kept.entries)).toContain('{"id":7615917337495251231,"x":1.0}')
  })

  it('is dropped when the drawing is another one, broken, or of another version', () => {
    keep(historyOf(3))
    expect(recallHistory('w', sample())).toBeNull()
    sessionStorage.setItem('heddle:history:w', '{"half')
    expect(recallHistory('w', sample())).toBeNull()
    sessionStorage.setItem('heddle:history:w', '{"version":0,"entries":[]}')
    expect(recallHistory('w', sample())).toBeNull()
    expect(recallHistory('other', sample())).toBeNull()
  })

  it('gives up the oldest entries when there is no room', () => {
    const history = new History<Definition>(sample())
    for (let n = 1; n <= 60; n++)
      history.commit(
        patchNode(history.state, 'a', { params: { text: String(n).repeat(60_000) } }),
        `Edit ${n}`,
      )
    keep(history)
    const kept = recallHistory('w', history.state)!
    expect(kept.entries.length).toBeGreaterThan(5)
    expect(kept.entries.length).toBeLessThan(61)
    expect(kept.entries.at(-1)?.state).toEqual(history.state)
  })
})
