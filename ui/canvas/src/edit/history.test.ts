import { describe, expect, it } from 'vitest'
import { nodeOf, patchNode } from '../document/document'
import { sample } from '../document/samples'
import { History } from './history'

function clocked(limit = 200) {
  let time = 0
  const history = new History('a', { limit, now: () => time, coalesceMs: 1000 })
  return { history, wait: (ms: number) => (time += ms) }
}

describe('history', () => {
  it('goes back and forth', () => {
    const { history } = clocked()
    history.commit('b', 'second')
    history.commit('c', 'third')
    expect(history.undoLabel).toBe('third')
    expect([history.undo(), history.undo(), history.undo()]).toEqual(['b', 'a', null])
    expect(history.redoLabel).toBe('second')
    expect([history.redo(), history.redo(), history.redo()]).toEqual(['b', 'c', null])
  })

  it('forgets the future when something new is done', () => {
    const { history } = clocked()
    history.commit('b', 'b')
    history.undo()
    history.commit('c', 'c')
    expect(history.canRedo).toBe(false)
    expect(history.undo()).toBe('a')
  })

  it('makes typing one step, until there is a pause, another field or another edit', () => {
    const { history, wait } = clocked()
    for (const text of ['h', 'he', 'hel']) {
      history.commit(text, 'Edit', 'name')
      wait(300)
    }
    expect(history.entries).toHaveLength(2)
    wait(2000)
    history.commit('hello', 'Edit', 'name')
    history.commit('hello!', 'Edit', 'text')
    history.commit('moved', 'Move')
    history.commit('moved?', 'Edit', 'text')
    expect(history.entries.map(({ state }) => state)).toEqual([
      'a',
      'hel',
      'hello',
      'hello!',
      'moved',
      'moved?',
    ])
  })

  it('does not join typing across an undo', () => {
    const { history } = clocked()
    history.commit('b', 'Edit', 'name')
    history.commit('c', 'Move')
    history.undo()
    history.commit('d', 'Edit', 'name')
    expect(history.undo()).toBe('b')
  })

  it('jumps to any entry', () => {
    const { history } = clocked()
    for (const state of ['b', 'c', 'd']) history.commit(state, state)
    expect(history.jump(1)).toBe('b')
    expect(history.position).toBe(1)
    expect(history.jump(3)).toBe('d')
    expect(history.jump(9)).toBeNull()
  })

  it('keeps a bounded number of steps', () => {
    const { history } = clocked(3)
    for (const state of ['b', 'c', 'd', 'e', 'f']) history.commit(state, state)
    expect([history.undo(), history.undo(), history.undo(), history.undo()]).toEqual([
      'e',
      'd',
      'c',
      null,
    ])
  })

  it('ignores a commit that changes nothing', () => {
    const { history } = clocked()
    history.commit('a', 'nothing')
    expect(history.canUndo).toBe(false)
  })

  it('takes field edits back exactly, sharing all other nodes', () => {
    const first = sample()
    const history = new History(first)
    const second = patchNode(first, 'b', { params: { text: 'new' } })
    history.commit(second, 'Edit')
    expect(history.undo()).toBe(first)
    expect(history.redo()).toBe(second)
    expect(nodeOf(second, 'end')).toBe(nodeOf(first, 'end'))
  })
})
