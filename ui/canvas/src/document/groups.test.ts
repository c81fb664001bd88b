import { describe, expect, it } from 'vitest'
import { copy, paste, read, write } from '../edit/clipboard'
import { drop } from '../edit/drop'
import { sameDrawing } from '../edit/same'
import { Editor } from '../edit/store'
import { deleteGroups, performOnGroups, toggle } from '../edit/groups'
import { toFlow } from '../surface/flow'
import { statusOfGroup } from '../surface/status'
import type { Definition, Group } from '../seam'
import { mapScope, move, nodeOf, remove } from './document'
import { frameAround, frameOf, groupsOf, makeGroup, membersOf, ownerOf, settleGroups } from './groups'
import { layout } from './layout'
import { merge } from './merge'
import { overlaps } from './geometry'
import { TYPES, edge, node, sample } from './samples'

/** start → a → b → c → d in a row, b and c in a group. */
function row(): Definition {
  const ids = ['start', 'a', 'b', 'c', 'd']
  const nodes = ids.map((id, at) =>
    node(id, id === 'start' ? 'start' : 'template', { position: { x: at * 320, y: 0 } }),
  )
  const edges = ids.slice(1).map((id, at) => edge(`e${String(at)}`, ids[at]!, id))
  return grouped({ inputs: {}, variables: {}, nodes, edges, notes: [] }, ['b', 'c'])
}

function grouped(definition: Definition, ids: readonly string[]): Definition {
  const made = makeGroup(definition, TYPES, ids)
  if ('reason' in made) throw new Error(made.reason)
  return made.definition
}

function editor(definition: Definition): Editor {
  const made = new Editor('w', 'edit')
  made.nodeTypes.value = TYPES
  made.open(definition)
  return made
}

const isIn = (definition: Definition, id: string): string | null => ownerOf(definition, id)

describe('making a group', () => {
  it('frames the steps and takes them out of the groups they were in', () => {
    const first = row()
    const next = grouped(first, ['c', 'd'])
    expect(membersOf(next, 'group')).toEqual(['b'])
    expect(membersOf(next, 'group_2')).toEqual(['c', 'd'])
    expect(next.groups?.[1]?.name).toBe('Group 2')
    expect(frameOf(next, TYPES, 'group_2')).toEqual(frameAround(next, TYPES, ['c', 'd']))
  })

  it('works inside a loop, and refuses steps of different loops in words', () => {
    const inner = grouped(sample(), ['b', 'c'])
    expect(nodeOf(inner, 'each')?.body?.groups?.[0]?.members).toEqual(['b', 'c'])
    expect(makeGroup(sample(), TYPES, ['a', 'b'])).toEqual({
      reason: expect.stringContaining('different loops'),
    })
    expect(membersOf(grouped(sample(), ['each', 'b']), 'group')).toEqual(['each'])
  })

  it('leaves an emptied group behind nowhere', () => {
    const next = grouped(row(), ['b', 'c', 'd'])
    expect([...groupsOf(next).keys()]).toHaveLength(1)
  })
})

describe('settling', () => {
  it('moves the frame along when all its members move, and grows it else', () => {
    const before = row()
    const frame = frameOf(before, TYPES, 'group')
    const all = settleGroups(
      before,
      move(before, new Map([['b', { x: 640, y: 160 }], ['c', { x: 960, y: 160 }]])),
      TYPES,
    )
    expect(frameOf(all, TYPES, 'group')).toEqual({ ...frame, y: frame.y + 160 })
    const one = settleGroups(before, move(before, new Map([['c', { x: 960, y: 320 }]])), TYPES)
    expect(frameOf(one, TYPES, 'group')).toEqual({ ...frame, height: frame.height + 320 })
  })

  it('forgets members that are gone, and groups without any', () => {
    const before = row()
    const one = settleGroups(before, remove(before, new Set(['b'])), TYPES)
    expect(one.groups?.[0]?.members).toEqual(['c'])
    const none = settleGroups(before, remove(before, new Set(['b', 'c'])), TYPES)
    expect(none.groups).toEqual([])
  })

  it('leaves drawings without groups alone', () => {
    const plain = sample()
    expect(settleGroups(plain, plain, TYPES)).toBe(plain)
  })
})

describe('dragging', () => {
  it('a frame takes its members along', () => {
    const before = row()
    const { x, y } = frameOf(before, TYPES, 'group')
    const { definition } = drop(before, TYPES, new Map([['group', { x: x + 32, y: y + 320 }]]))
    expect(nodeOf(definition, 'b')?.position).toEqual({ x: 672, y: 320 })
    expect(nodeOf(definition, 'a')?.position).toEqual({ x: 320, y: 0 })
    expect(membersOf(definition, 'group')).toEqual(['b', 'c'])
  })

  it('steps join the frame they are dropped on and leave the one they are taken from', () => {
    const before = row()
    const joined = drop(before, TYPES, new Map([['d', { x: 800, y: 32 }]])).definition
    expect(isIn(joined, 'd')).toBe('group')
    const left = drop(before, TYPES, new Map([['c', { x: 960, y: 640 }]])).definition
    expect(isIn(left, 'c')).toBeNull()
    expect(isIn(drop(before, TYPES, new Map([['c', { x: 976, y: 0 }]])).definition, 'c')).toBe('group')
  })

  it('a closed group is no place to drop on', () => {
    const before = row()
    const dropped = drop(before, TYPES, new Map([['d', { x: 800, y: 32 }]]), () => false)
    expect(isIn(dropped.definition, 'd')).toBeNull()
  })

  it('a group does not go into a loop, and the reason is said', () => {
    const before = grouped(sample(), ['start', 'a'])
    const { definition, refused } = drop(before, TYPES, new Map([['group', { x: 640, y: 0 }]]))
    expect(refused).toContain('loop')
    expect(definition).toBe(before)
  })
})

describe('the editor', () => {
  it('groups, names, undoes and redoes', () => {
    const store = editor({ ...row(), groups: [] })
    store.select(['a', 'b'])
    performOnGroups('group', store)
    expect(store.selectedGroups.value).toEqual(['group'])
    expect(store.selection.value).toEqual(['a', 'b'])
    expect(store.nameGroup.value).toBe('group')
    store.undo()
    expect(groupsOf(store.definition.value).size).toBe(0)
    store.redo()
    expect(membersOf(store.definition.value, 'group')).toEqual(['a', 'b'])
    performOnGroups('ungroup', store)
    expect(groupsOf(store.definition.value).size).toBe(0)
    expect([...store.selected.value]).toEqual(['a', 'b'])
  })

  it('asks before a group is deleted, and does either', () => {
    const store = editor(row())
    store.select(['group'])
    store.removeSelected()
    expect(store.deletingGroups.value).toEqual(new Set(['group']))
    deleteGroups(store, new Set(['group']), false)
    expect(nodeOf(store.definition.value, 'b')).toBeDefined()
    store.undo()
    store.select(['group'])
    deleteGroups(store, new Set(['group']), true)
    expect(nodeOf(store.definition.value, 'b')).toBeUndefined()
    expect(groupsOf(store.definition.value).size).toBe(0)
  })

  it('opens a closed group to show a step in it, without changing the drawing', () => {
    const store = editor(row())
    store.select(['group'])
    toggle(store, ['group'])
    expect(store.definition.value.groups?.[0]?.collapsed).toBe(true)
    expect(store.hiddenIn('b')).toBe('group')
    const before = store.definition.value
    store.focusNode('b')
    expect(store.hiddenIn('b')).toBeNull()
    expect(store.definition.value).toBe(before)
  })

  it('opens and closes for a reader without changing the drawing', () => {
    const store = editor(row())
    store.locked.value = true
    const before = store.definition.value
    toggle(store, ['group'])
    expect(store.isCollapsed('group')).toBe(true)
    expect(store.definition.value).toBe(before)
  })

  it('takes a step that is added inside an open frame into its group', () => {
    const store = editor(row())
    const id = store.add('template', { edge: 'e2' })
    expect(isIn(store.definition.value, id!)).toBe('group')
  })
})

describe('copying', () => {
  it('takes a group with all in it, and gives the copy ids of its own', () => {
    const before = row()
    const clip = read(write(copy(before, new Set(['group']))!))!
    const pasted = paste(before, clip, { scope: null, at: { x: 640, y: 640 } })
    expect(pasted.ids).toEqual(['group_2'])
    expect(membersOf(pasted.definition, 'group_2')).toEqual(['b_2', 'c_2'])
    expect(membersOf(pasted.definition, 'group')).toEqual(['b', 'c'])
  })

  it('takes the groups inside a copied loop along', () => {
    const before = grouped(sample(), ['b', 'c'])
    const clip = copy(before, new Set(['each']))!
    const pasted = paste(before, clip, { scope: null, at: { x: 0, y: 640 } })
    expect(membersOf(pasted.definition, 'group_2')).toEqual(['b_2', 'c_2'])
  })
})

describe('drawing', () => {
  it('puts members into their frame', () => {
    const { nodes } = toFlow(row(), TYPES)
    const [frame, b] = [nodes.find(({ id }) => id === 'group')!, nodes.find(({ id }) => id === 'b')!]
    expect(nodes.indexOf(frame)).toBeLessThan(nodes.indexOf(b))
    expect(b.parentNode).toBe('group')
    expect({ x: frame.position.x + b.position.x, y: frame.position.y + b.position.y }).toEqual({
      x: 640,
      y: 0,
    })
  })

  it('a closed group stands for its steps, and wires across its border lead to it', () => {
    const { nodes, edges } = toFlow(row(), TYPES, () => true)
    expect(nodes.map(({ id }) => id).sort()).toEqual(['a', 'd', 'group', 'start'])
    expect(edges.map(({ source, target }) => [source, target])).toEqual([
      ['start', 'a'],
      ['a', 'group'],
      ['group', 'd'],
    ])
    expect(edges[2]?.data).toMatchObject({ source: 'c', target: 'd' })
  })

  it('hides what is in a loop of a closed group', () => {
    const closed = grouped(sample(), ['each'])
    expect(toFlow(closed, TYPES, () => true).nodes.map(({ id }) => id)).not.toContain('b')
  })

  it('shows the most important status and how many have it', () => {
    expect(statusOfGroup(['completed', 'failed', 'running', 'retrying'])).toEqual({
      status: 'running',
      count: 2,
    })
    expect(statusOfGroup(['completed', 'waiting', 'failed'])).toEqual({ status: 'failed', count: 1 })
    expect(statusOfGroup(['completed', 'waiting'])).toEqual({ status: 'waiting', count: 1 })
    expect(statusOfGroup(['idle', 'completed', 'completed'])).toEqual({ status: 'completed', count: 2 })
    expect(statusOfGroup(['idle'])).toEqual({ status: 'idle', count: 1 })
  })
})

describe('tidying', () => {
  it('keeps the members in their frame and everybody else out of it', async () => {
    const messy = move(row(), new Map([['d', { x: 700, y: 40 }], ['a', { x: 900, y: 50 }]]))
    const tidy = await layout(messy, TYPES)
    const frame = frameOf(tidy, TYPES, 'group')
    expect(frame).toEqual(frameAround(tidy, TYPES, ['b', 'c']))
    for (const id of ['start', 'a', 'd']) {
      const box = { ...nodeOf(tidy, id)!.position!, width: 224, height: 104 }
      expect(overlaps(box, frame), id).toBe(false)
    }
  })
})

describe('merging', () => {
  const base = row()
  const withGroup = (change: Partial<Group>): Definition =>
    mapScope(base, null, (body) => ({
      ...body,
      groups: (body.groups ?? []).map((group) => ({ ...group, ...change })),
    }))

  it('takes both sides’ changes of a group, member by member, and never asks', () => {
    const mine = withGroup({ members: ['b', 'c', 'a'], name: 'Mine' })
    const theirs = withGroup({ members: ['c'], color: 'pink', name: 'Theirs' })
    const { definition, clashes } = merge(base, mine, theirs)
    expect(clashes).toEqual([])
    expect(new Set(membersOf(definition, 'group'))).toEqual(new Set(['c', 'a']))
    expect(definition.groups?.[0]).toMatchObject({ name: 'Mine', color: 'pink' })
  })

  it('keeps two groups that both sides made under one id', () => {
    const plain = { ...base, groups: [] }
    const { definition } = merge(plain, grouped(plain, ['a']), grouped(plain, ['c', 'd']))
    const members = [...groupsOf(definition).values()].map((placed) => placed.members)
    expect(members).toHaveLength(2)
    expect(members.flat().sort()).toEqual(['a', 'c', 'd'])
  })

  it('does not bring back a loop for the sake of a group in it', () => {
    const before = grouped(sample(), ['b', 'c'])
    const named = settleGroups(before, before, TYPES)
    const { definition } = merge(before, remove(before, new Set(['each'])), named)
    expect(nodeOf(definition, 'each')).toBeUndefined()
  })

  it('tells drawings that differ in a group apart', () => {
    expect(sameDrawing(base, withGroup({ color: 'blue', collapsed: false }))).toBe(true)
    expect(sameDrawing(base, withGroup({ collapsed: true }))).toBe(false)
  })
})

describe('making a sub-workflow', () => {
  it('takes the steps and notes of a group, and its name', () => {
    const store = editor({ ...row(), notes: [{ id: 'note', text: 'x' }] })
    store.select(['group', 'note'])
    performOnGroups('sub-workflow', store)
    expect(store.extracting.value).toEqual({ ids: ['note', 'b', 'c'], name: 'Group' })
  })
})
