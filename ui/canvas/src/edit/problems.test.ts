import { expect, it } from 'vitest'
import { fieldOf } from './problems'

it.each([
  ['/nodes/3/params/url', 'url'],
  ['/definition/nodes/3/params/fields/text', 'fields/text'],
  ['/nodes/1/body/nodes/0/params/items', 'items'],
  ['/nodes/1/retry/max_attempts', 'retry/max_attempts'],
  ['/nodes/1/params/a~1b', 'a/b'],
  ['/nodes/1', ''],
  ['/edges/0', ''],
])('%s is field %s', (pointer, field) => {
  expect(fieldOf(pointer)).toBe(field)
})
