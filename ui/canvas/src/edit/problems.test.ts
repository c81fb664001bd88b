import { expect, it } from 'vitest'
import { fieldOf, withTitles } from './problems'

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

it.each([
  ["'read' comes after 'filter_2'", '“Read file” comes after “Only large”'],
  ["there is nothing called 'nobody'", "there is nothing called 'nobody'"],
  ["Filter rows has no setting 'rows'", "Filter rows has no setting 'rows'"],
  ["'read' and 'read' and 'read '", "“Read file” and “Read file” and 'read '"],
])('%s is told as %s', (sentence, told) => {
  const titles = new Map([
    ['read', 'Read file'],
    ['filter_2', 'Only large'],
    ['rows', 'A step that is called like a setting'],
  ])
  expect(withTitles(sentence, (id) => titles.get(id) ?? null)).toBe(told)
})
