import { describe, expect, it } from 'vitest'
import { duration } from '../surface/status'
import { ticks } from './timeline'

/** As the scale writes them. */
function written(spanMs: number): string[] {
  return ticks(spanMs).map((tick) => duration(tick).replace('.0 s', ' s').replace(/ 0 (s|min)$/, ''))
}

describe('the scale', () => {
  it('never writes the same twice, however short or long the run', () => {
    for (let span = 1; span < 5e8; span = Math.ceil(span * 1.13)) {
      const marks = written(span)
      expect(new Set(marks).size, `${String(span)} ms: ${marks.join(', ')}`).toBe(marks.length)
      expect(marks.length).toBeLessThanOrEqual(7)
    }
  })

  it('has round times', () => {
    expect(written(3)).toEqual(['0 ms', '1 ms', '2 ms', '3 ms'])
    expect(written(38_200)).toEqual(['0 ms', '10 s', '20 s', '30 s'])
  })
})
