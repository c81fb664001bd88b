import { describe, expect, it } from 'vitest'
import { TYPES, sample } from '../document/samples'
import { cornersOf, toFlow } from './flow'
import { frame, outlines } from './overview'

const nodes = toFlow(sample(), TYPES).nodes

describe('the overview', () => {
  it('has every part once, those that look alike in one outline', () => {
    const shapes = outlines(nodes, (node) => node.type)
    expect([...shapes.keys()].sort()).toEqual([...new Set(nodes.map(({ type }) => type))].sort())
    const boxes = [...shapes.values()].join('').match(/M/g)
    expect(boxes).toHaveLength(nodes.length)
  })

  it('shows what is dragged where it is, the steps inside a container with it', () => {
    const moved = new Map([['each', { x: 5000, y: 5000 }]])
    const corners = cornersOf(nodes, moved)
    const inner = nodes.find(({ parentNode }) => parentNode === 'each')!
    const { x, y } = corners.get(inner.id)!
    expect([x, y]).toEqual([5000 + inner.position.x, 5000 + inner.position.y])
    expect(outlines(nodes, () => 'all', moved).get('all')).toContain(`M${x} ${y}h`)
  })

  it('holds the drawing and the part in view, and keeps its shape', () => {
    const bounds = { x: 0, y: 0, width: 1000, height: 100 }
    const view = { x: 900, y: -300, width: 600, height: 400 }
    const { x, y, width, height } = frame(bounds, view, { width: 176, height: 112 })
    expect(x).toBeLessThan(0)
    expect(y).toBeLessThan(-300)
    expect(x + width).toBeGreaterThan(1500)
    expect(y + height).toBeGreaterThan(100)
    expect((width - 8 * (width / 184)) / (height - 8 * (height / 120))).toBeCloseTo(176 / 112)
  })
})
