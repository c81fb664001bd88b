import { describe, expect, it } from 'vitest'
import { sameDrawing } from '../edit/same'
import type { Definition } from '../seam'
import {
  addEdge,
  addNote,
  addToScope,
  edgesOf,
  move,
  nodeOf,
  patchNode,
  places,
  remove,
  rescope,
  scopeOf,
} from './document'
import { merge } from './merge'
import { edge, node, random, randomDefinition, sample } from './samples'

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)

/** A few edits of the kinds that people make, other ones for other tags. */
function edited(definition: Definition, seed: number, tag: string): Definition {
  const next = random(seed)
  let now = definition
  for (let step = 0; step < 4; step++) {
    const ids = [...places(now).keys()]
    const id = ids[Math.floor(next() * ids.length)]
    if (id === undefined) break
    const kind = Math.floor(next() * 6)
    if (kind === 0) now = patchNode(now, id, { name: `${tag} ${step}` })
    else if (kind === 1) now = patchNode(now, id, { params: { text: `${tag} ${step}` } })
    else if (kind === 2) now = remove(now, new Set([id]))
    else if (kind === 3) now = move(now, new Map([[id, { x: step, y: next() }]]))
    else if (kind === 4) now = addToScope(now, scopeOf(now, id), [node(`${tag}${step}`)], [])
    else now = { ...now, variables: { ...now.variables, [`${tag}${step}`]: step } }
  }
  return now
}

function isSound(definition: Definition): void {
  const ids = [...places(definition).keys()]
  expect(new Set(ids).size).toBe(ids.length)
  for (const { edge: one, scope } of edgesOf(definition)) {
    expect(scopeOf(definition, one.source)).toBe(scope)
    expect(scopeOf(definition, one.target)).toBe(scope)
    expect(places(definition).has(one.source) && places(definition).has(one.target)).toBe(true)
  }
}

describe('a merge', () => {
  it('with a side that changed nothing is the other side', () => {
    for (const seed of SEEDS) {
      const base = randomDefinition(seed)
      const changed = edited(base, seed + 7, 'm')
      expect(merge(base, changed, base).definition).toBe(changed)
      expect(merge(base, base, changed).definition).toBe(changed)
      // The long way round says the same.
      expect(sameDrawing(merge(base, changed, base, new Map([['', 'mine']])).definition, changed)).toBe(true)
      expect(merge(base, changed, changed).clashes).toEqual([])
    }
  })

  it('has the edits of both sides, whole, wherever they do not clash', () => {
    for (const seed of SEEDS) {
      const base = randomDefinition(seed)
      const [mine, theirs] = [edited(base, seed + 3, 'm'), edited(base, seed + 11, 't')]
      const { definition, clashes } = merge(base, mine, theirs)
      isSound(definition)
      const unsure = new Set(clashes.map(({ id }) => id))
      for (const side of [mine, theirs]) {
        const other = side === mine ? theirs : mine
        for (const { node: own } of places(side).values()) {
          const before = nodeOf(base, own.id)
          if (unsure.has(own.id)) expect(nodeOf(definition, own.id)).toBeDefined()
          else if (!before || (nodeOf(other, own.id) && own.name !== before.name))
            expect(nodeOf(definition, own.id)?.name).toBe(own.name)
        }
        for (const [name, value] of Object.entries(side.variables ?? {}))
          expect(definition.variables?.[name]).toBe(value)
        for (const id of places(base).keys())
          if (!places(side).has(id) && !unsure.has(id) && !nodeOf(base, id)?.body)
            expect(places(definition).has(id)).toBe(false)
      }
    }
  })

  it('takes different fields of one step from both', () => {
    const mine = patchNode(sample(), 'a', { name: 'Mine' })
    const theirs = patchNode(sample(), 'a', { params: { text: 'theirs' }, timeout_ms: 5 })
    const { definition, clashes } = merge(sample(), mine, theirs)
    expect(clashes).toEqual([])
    expect(nodeOf(definition, 'a')).toMatchObject({
      name: 'Mine',
      params: { text: 'theirs' },
      timeout_ms: 5,
    })
  })

  it('asks only where both changed the same, and does as it is told', () => {
    const mine = patchNode(sample(), 'b', { params: { text: 'mine' } })
    const theirs = patchNode(sample(), 'b', { params: { text: 'theirs' }, disabled: true })
    const { definition, clashes } = merge(sample(), mine, theirs)
    expect(clashes.map(({ key }) => key)).toEqual(['node:b'])
    expect(nodeOf(definition, 'b')).toMatchObject({ params: { text: 'mine' }, disabled: true })
    const chosen = merge(sample(), mine, theirs, new Map([['node:b', 'theirs']]))
    expect(nodeOf(chosen.definition, 'b')?.params).toEqual({ text: 'theirs' })
  })

  it('never asks about mere positions', () => {
    const [mine, theirs] = [5, 9].map((x) => move(sample(), new Map([['a', { x, y: 0 }]])))
    const { definition, clashes } = merge(sample(), mine!, theirs!)
    expect(clashes).toEqual([])
    expect(nodeOf(definition, 'a')?.position?.x).toBe(5)
  })

  it('keeps a changed step that the other side removed, with its connections and container', () => {
    const mine = patchNode(sample(), 'b', { name: 'Changed' })
    const { definition, clashes } = merge(sample(), mine, remove(sample(), new Set(['each'])))
    expect(clashes.map(({ key }) => key)).toEqual(['node:b'])
    expect(scopeOf(definition, 'b')).toBe('each')
    expect(edgesOf(definition).map(({ edge: one }) => one.id)).toEqual(expect.arrayContaining(['e2', 'e4']))
    isSound(definition)
    const gone = merge(sample(), mine, remove(sample(), new Set(['each'])), new Map([['node:b', 'theirs']]))
    expect([...places(gone.definition).keys()]).toEqual(['start', 'a', 'end'])
  })

  it('keeps apart what both added under one id, with the expressions that name it', () => {
    const add = (text: string): Definition =>
      addEdge(
        addToScope(sample(), null, [
          node('new', 'template', { name: text, params: { text } }),
          node('reader', 'template', { name: text, params: { text: '{{ steps.new.text }}' } }),
        ]),
        edge('e9', 'new', 'reader'),
      )
    const { definition, clashes } = merge(sample(), add('mine'), add('theirs'))
    expect(clashes).toEqual([])
    expect(nodeOf(definition, 'new')?.name).toBe('theirs')
    expect(nodeOf(definition, 'new_2')?.name).toBe('mine')
    expect(nodeOf(definition, 'reader_2')?.params).toEqual({ text: '{{ steps.new_2.text }}' })
    expect(edgesOf(definition)).toHaveLength(6)
    isSound(definition)
  })

  it('drops connections whose end moved elsewhere, and survives containers put into each other', () => {
    const base = addToScope(sample(), null, [node('two', 'for_each', { body: { nodes: [], edges: [] } })])
    const mine = rescope(base, 'two', 'each', { x: 0, y: 0 })
    const theirs = rescope(base, 'each', 'two', { x: 0, y: 0 })
    const { definition } = merge(base, mine, theirs)
    isSound(definition)
    expect(places(definition).size).toBe(places(base).size)
  })

  it('merges notes, inputs, variables and members it does not know', () => {
    const base = {
      ...sample(),
      inputs: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      variables: { v: 1, w: 1 },
      future: { x: 1 },
    }
    const mine = {
      ...addNote(base, { id: 'n2', text: 'mine' }),
      inputs: { ...base.inputs, properties: { a: { type: 'integer' } } },
      variables: { v: 2, w: 1 },
    }
    const theirs = {
      ...base,
      inputs: { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a', 'b'] },
      variables: { v: 3 },
      future: { x: 2 },
    }
    const { definition, clashes } = merge(base, mine, theirs)
    expect(definition.inputs).toEqual({
      type: 'object',
      properties: { a: { type: 'integer' }, b: {} },
      required: ['a', 'b'],
    })
    expect(definition.variables).toEqual({ v: 2 })
    expect(definition.notes?.map(({ id }) => id)).toEqual(['note', 'n2'])
    expect(definition).toMatchObject({ future: { x: 2 } })
    expect(clashes.map(({ key }) => key)).toEqual(['variable:v'])
  })

  it('without a common past loses nothing and asks about every difference', () => {
    const mine = addToScope(sample(), null, [node('mine')])
    const theirs = patchNode(remove(sample(), new Set(['end'])), 'a', { name: 'Theirs' })
    const { definition, clashes } = merge(null, mine, theirs)
    expect(places(definition).has('mine') && places(definition).has('end')).toBe(true)
    expect(clashes.map(({ key }) => key)).toEqual(['node:a'])
  })
})
