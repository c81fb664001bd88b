// @vitest-environment happy-dom
import { useVueFlow } from '@vue-flow/core'
import { describe, expect, it } from 'vitest'
import { mapNode, move, nodeOf, remove, rescope } from '../document/document'
import { makeGroup, patchGroup } from '../document/groups'
import { TYPES, randomDefinition, sample } from '../document/samples'
import type { Definition } from '../seam'
import { Drawing } from './drawing'
import { cornersOf, toFlow } from './flow'

let serial = 0

function grouped(ids: readonly string[]): Definition {
  const made = makeGroup(sample(), TYPES, ids)
  if ('reason' in made) throw new Error(made.reason)
  return made.definition
}

function drawn(): { drawing: Drawing; flow: ReturnType<typeof useVueFlow> } {
  const flow = useVueFlow({ id: `test-${++serial}`, applyDefault: false })
  return { drawing: new Drawing(flow), flow }
}

function expectDrawn(
  flow: ReturnType<typeof useVueFlow>,
  definition: Definition,
  isCollapsed?: (groupId: string) => boolean,
): void {
  const { nodes, edges } = toFlow(definition, TYPES, isCollapsed)
  const corners = cornersOf(nodes)
  expect(flow.nodes.value.map(({ id }) => id)).toEqual(nodes.map(({ id }) => id))
  for (const node of nodes) {
    const found = flow.findNode(node.id)!
    expect(found).toMatchObject({ type: node.type, parentNode: node.parentNode })
    expect(found.zIndex ?? 0).toBe(node.zIndex ?? 0)
    expect(found.selectable ?? true).toBe(node.selectable ?? true)
    expect(found.position).toEqual({ x: node.position.x, y: node.position.y })
    expect(found.computedPosition).toMatchObject(corners.get(node.id)!)
    expect(found.dimensions).toEqual(node.dimensions)
    expect(found.handleBounds).toEqual(node.handleBounds)
  }
  const wires = edges.map(({ id, source, target }) => `${id}: ${source} to ${target}`)
  const found = flow.edges.value.map(
    ({ id, sourceNode, targetNode }) => `${id}: ${sourceNode.id} to ${targetNode.id}`,
  )
  expect(found).toEqual(wires)
}

describe('Vue Flow’s store', () => {
  it('is what the document says, whatever was drawn before', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { drawing, flow } = drawn()
      for (const definition of [randomDefinition(seed), randomDefinition(seed + 1), sample()]) {
        drawing.draw(definition, TYPES)
        expectDrawn(flow, definition)
      }
    }
  })

  it('follows deletion, undo, another container and another size', () => {
    const { drawing, flow } = drawn()
    const changes: ((now: Definition) => Definition)[] = [
      (now) => remove(now, new Set(['a', 'each'])),
      () => sample(),
      (now) => rescope(now, 'a', 'each', { x: 16, y: 64 }),
      (now) => mapNode(now, 'each', (node) => ({ ...node, size: { width: 800, height: 640 } })),
    ]
    let now = sample()
    drawing.draw(now, TYPES)
    for (const change of changes) {
      now = change(now)
      drawing.draw(now, TYPES)
      expectDrawn(flow, now)
    }
  })

  it('follows groups that are closed, opened and moved, with their wires', () => {
    const { drawing, flow } = drawn()
    const shown = (now: Definition, closed: boolean): void => {
      drawing.draw(now, TYPES, () => closed)
      expectDrawn(flow, now, () => closed)
    }
    const now = grouped(['a', 'each'])
    for (const closed of [false, true, false]) shown(now, closed)
    expect(flow.findNode('group')!.isParent).toBe(true)
    shown(now, true)
    expect(flow.findEdge('e1')).toMatchObject({ target: 'group', data: { target: 'a' } })
    shown(move(now, new Map([['a', { x: 100, y: 400 }]])), false)
    expect(flow.findEdge('e1')).toMatchObject({ target: 'a', data: {} })
    shown(sample(), false)
  })

  it('makes anew only what a change to a group concerns', () => {
    const now = grouped(['a'])
    const before = toFlow(now, TYPES)
    const same = toFlow({ ...now }, TYPES)
    expect(same.nodes.every((node, at) => node === before.nodes[at])).toBe(true)
    expect(same.edges.every((edge, at) => edge === before.edges[at])).toBe(true)
    const closed = toFlow(now, TYPES, () => true)
    const made = closed.nodes.filter((node) => !before.nodes.includes(node)).map(({ id }) => id)
    expect(made).toEqual(['group'])
    expect(closed.edges.find(({ id }) => id === 'e4')).toBe(
      before.edges.find(({ id }) => id === 'e4'),
    )
    const shifted = patchGroup(now, 'group', { position: { x: 0, y: -400 } })
    const moved = toFlow(shifted, TYPES)
    const others = moved.nodes.filter((node) => !before.nodes.includes(node)).map(({ id }) => id)
    expect(others).toEqual(['group', 'a'])
  })

  it('keeps the nodes and edges that stay, with their selection', () => {
    const { drawing, flow } = drawn()
    drawing.draw(sample(), TYPES)
    const [wire] = flow.edges.value
    flow.addSelectedNodes([flow.findNode('a')!])
    wire!.selected = true
    const before = flow.findNode('a')
    drawing.draw(mapNode(sample(), 'end', (node) => ({ ...node, name: 'End' })), TYPES)
    expect(flow.findNode('a')).toBe(before)
    expect(flow.getSelectedNodes.value.map(({ id }) => id)).toEqual(['a'])
    expect(flow.findEdge(wire!.id)?.selected).toBe(true)
  })

  it('takes back a drag that changed nothing in the document', () => {
    const { drawing, flow } = drawn()
    drawing.draw(sample(), TYPES)
    const position = { x: 4000, y: 4000 }
    flow.emits.nodesChange([{ id: 'a', type: 'position', position, dragging: true, from: position }])
    expect(flow.findNode('a')).toMatchObject({ position, dragging: true })
    drawing.draw(sample(), TYPES)
    expect(flow.findNode('a')!.position).toEqual(nodeOf(sample(), 'a')!.position)
  })

  it('tells which edges a frame around nodes selects', () => {
    const { drawing, flow } = drawn()
    drawing.draw(sample(), TYPES)
    for (const node of flow.nodes.value) {
      const known = [...(flow.connectionLookup.value.get(node.id)?.values() ?? [])]
      const ends = flow.edges.value.filter((edge) => [edge.source, edge.target].includes(node.id))
      expect(known.map(({ edgeId }) => edgeId)).toEqual(ends.map(({ id }) => id))
    }
  })
})
