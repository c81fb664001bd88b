import { beforeEach, describe, expect, it } from 'vitest'
import { edgesOf, nodeOf, places, scopeOf } from '../document/document'
import { overlaps, sizeOf } from '../document/geometry'
import { TYPES, sample } from '../document/samples'
import { Editor } from './store'

let editor: Editor

beforeEach(() => {
  editor = new Editor('w1', 'edit')
  editor.nodeTypes.value = TYPES
  editor.open(sample())
})

const wires = (): string[] =>
  edgesOf(editor.definition.value).map(
    ({ edge }) => `${edge.source}.${edge.source_port ?? 'out'}>${edge.target}`,
  )

describe('adding', () => {
  it('wires a new step to the end it came from, where nothing lies', () => {
    editor.select(['a'])
    const id = editor.add('template', { loose: editor.looseEnd()! })!
    expect(wires()).toContain(`a.out>${id}`)
    const boxes = (editor.definition.value.nodes ?? []).map((node) => ({
      id: node.id,
      ...node.position!,
      ...sizeOf(node, TYPES.get(node.type)),
    }))
    const made = boxes.find((box) => box.id === id)!
    expect(boxes.some((box) => box.id !== id && overlaps(box, made))).toBe(false)
    expect([...editor.selected.value]).toEqual([id])
  })

  it('splices into an edge and makes room', () => {
    const id = editor.add('template', { edge: 'e1' })!
    expect(wires()).toEqual(expect.arrayContaining([`start.out>${id}`, `${id}.out>a`]))
    expect(wires()).not.toContain('start.out>a')
    const x = (name: string): number => editor.node(name)!.position!.x
    expect(x('start')).toBeLessThan(x(id))
    expect(x(id)).toBeLessThan(x('a'))
    expect(x('a')).toBeLessThan(x('each'))
  })

  it('goes into the container under the pointer, which grows', () => {
    const id = editor.add('template', { at: { x: 1200, y: 240 } })!
    expect(scopeOf(editor.definition.value, id)).toBe('each')
    const { position } = editor.node(id)!
    expect(editor.node('each')!.size!.width).toBeGreaterThanOrEqual(position!.x + 224)
  })

  it('refuses a second start and says so', () => {
    expect(editor.add('start')).toBeNull()
    expect(editor.messages.toasts.at(-1)?.message).toContain('one start')
  })
})

describe('moving', () => {
  it('into a container cuts the edges that would cross its border, and says so', () => {
    editor.dropped(new Map([['a', { x: 900, y: 120 }]]))
    expect(scopeOf(editor.definition.value, 'a')).toBe('each')
    expect(wires()).toEqual(['each.out>end', 'b.out>c'])
    expect(editor.messages.toasts.at(-1)?.message).toContain('2 connections removed')
    editor.undo()
    expect(wires()).toHaveLength(4)
  })
})

describe('settings', () => {
  it('are one step of undo while typing', () => {
    editor.updateNode('a', { name: 'H' }, 'name')
    editor.updateNode('a', { name: 'He' }, 'name')
    editor.undo()
    expect(editor.definition.value).toEqual(sample())
  })

  it('that take a port away take its edges with it', () => {
    editor.updateNode('a', { on_error: 'error' })
    editor.connect({ source: 'a', sourcePort: 'error', target: 'end', targetPort: 'in' })
    expect(wires()).toContain('a.error>end')
    editor.updateNode('a', { on_error: 'fail' })
    expect(wires()).not.toContain('a.error>end')
    editor.undo()
    expect(wires()).toContain('a.error>end')
  })

  it('switch many off and on in one step of undo each', () => {
    const off = (): string[] =>
      [...places(editor.definition.value).values()].flatMap(({ node }) =>
        node.disabled ? [node.id] : [],
      )
    editor.switchNodes(['a', 'b', 'each'], false)
    expect(off().sort()).toEqual(['a', 'b', 'each'])
    editor.switchNodes(['a', 'b', 'each'], true)
    expect(editor.definition.value).toEqual(sample())
    editor.undo()
    editor.undo()
    expect(off()).toEqual([])
    expect(editor.history.canUndo).toBe(false)
  })

  it('of a past run cannot be changed', () => {
    const viewer = new Editor('w1', 'run')
    viewer.nodeTypes.value = TYPES
    viewer.open(sample())
    viewer.updateNode('a', { name: 'x' })
    viewer.removeNodes(['a'])
    expect(viewer.add('template')).toBeNull()
    expect(viewer.definition.value).toEqual(sample())
  })
})

describe('deleting', () => {
  it('takes nodes with their edges in one step', () => {
    editor.select(['a', 'each'])
    editor.removeSelected()
    expect([...places(editor.definition.value).keys()]).toEqual(['start', 'end'])
    expect(wires()).toEqual([])
    editor.undo()
    expect(editor.definition.value).toEqual(sample())
    expect(nodeOf(editor.definition.value, 'c')).toBeDefined()
  })
})
