// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest'
import { makeGroup } from '../document/groups'
import { TYPES, sample } from '../document/samples'
import { groupHindrance, performOnGroups } from './groups'
import { chosen, firstOf, lastOf, movable, soleGroup } from './selection'
import { Editor } from './store'

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

describe('a selection with a group', () => {
  function editor(...selected: readonly string[]): Editor {
    const made = makeGroup(sample(), TYPES, ['a', 'note'])
    if ('reason' in made) throw new Error(made.reason)
    const store = new Editor('w', 'edit')
    store.nodeTypes.value = TYPES
    store.open(made.definition)
    store.select(selected)
    return store
  }

  it('holds what is in the group, and aligns none of it', () => {
    expect([...chosen(editor('group'))].sort()).toEqual(['a', 'note'])
    expect(movable(editor('group'))).toEqual([])
    expect(movable(editor('start', 'end'))).toEqual(['start', 'end'])
  })

  it('is of one group, or of more than that', () => {
    expect(soleGroup(editor('group'))).toBe('group')
    expect(soleGroup(editor('group', 'a', 'e1'))).toBe('group')
    expect(soleGroup(editor('group', 'end'))).toBeNull()
    expect(soleGroup(editor('a'))).toBeNull()
  })

  it('tells why a command on groups cannot be carried out, and performing it says the same', () => {
    const commands = ['group', 'ungroup', 'fold', 'select-group', 'sub-workflow'] as const
    for (const store of [editor(), editor('end'), editor('a'), editor('group'), editor('a', 'b')]) {
      for (const command of commands) {
        const reason = groupHindrance(command, store)
        if (reason === null) continue
        performOnGroups(command, store)
        expect(store.messages.toasts.map(({ message }) => message)).toContain(reason)
      }
    }
    expect(commands.filter((command) => groupHindrance(command, editor()) === null)).toEqual([])
    const around = commands.filter((command) => groupHindrance(command, editor('a')) === null)
    expect(around).toEqual(commands)
    expect(groupHindrance('select-group', editor('end'))).toBe('No group is around the selection.')
    expect(groupHindrance('group', editor('a', 'b'))).toMatch('different loops')
  })
})
