import { expect, it } from 'vitest'
import { readDuration, showDuration } from './duration'

it.each([
  ['2 days', 172_800_000, '2 days'],
  ['1 day', 86_400_000, '1 day'],
  ['1 h 30 min', 5_400_000, '1 h 30 min'],
  ['1h30m', 5_400_000, '1 h 30 min'],
  ['1.5 hours', 5_400_000, '1 h 30 min'],
  ['90 minutes', 5_400_000, '1 h 30 min'],
  ['500 ms', 500, '500 ms'],
  ['0.5', 500, '500 ms'],
  ['30', 30_000, '30 s'],
  ['0', 0, '0 s'],
  ['2 weeks', 1_209_600_000, '14 days'],
  ['1 day, 2 h and 5 s', 93_605_000, '1 day 2 h 5 s'],
  ['1,5 s', 1500, '1 s 500 ms'],
])('reads %s', (text, ms, shown) => {
  expect(readDuration(text)).toBe(ms)
  expect(showDuration(ms)).toBe(shown)
  expect(readDuration(shown)).toBe(ms)
})

it.each(['', 'soon', '1 h 30', '5 min 1 h', '-3 s', '3 parsecs', '1 h 1 h'])('takes %s for no time', (text) =>
  expect(readDuration(text)).toBeNull(),
)
