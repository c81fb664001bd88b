import { describe, expect, it } from 'vitest'
import { GRID, freeSpot, nearestSpot, overlaps, type Rect } from './geometry'

const SIZE = { width: 224, height: 120 }

describe('a free spot', () => {
  it('is where it is wanted when nothing is there', () => {
    expect(nearestSpot({ x: 30, y: 35 }, SIZE, [])).toEqual({ x: 32, y: 32 })
  })

  it('is near, in any direction, and covers nothing', () => {
    const taken: Rect[] = []
    for (let placed = 0; placed < 30; placed++) {
      const at = nearestSpot({ x: 0, y: 0 }, SIZE, taken)
      expect(taken.some((rect) => overlaps({ ...at, ...SIZE }, rect, GRID))).toBe(false)
      taken.push({ ...at, ...SIZE })
    }
    expect(taken.some(({ y }) => y < 0)).toBe(true)
    expect(taken.some(({ x }) => x < 0)).toBe(true)
  })

  it('is below when all around is full', () => {
    const wall = { x: -5000, y: -5000, width: 10_000, height: 10_000 }
    expect(nearestSpot({ x: 0, y: 0 }, SIZE, [wall])).toEqual(freeSpot({ x: 0, y: 0 }, SIZE, [wall]))
  })
})
