import { expect, it } from 'vitest'
import type { Root } from './expressions'
import { wrongPath } from './wrongPaths'

const root = (name: string, value: unknown, members: string[] = []): Root => ({
  name,
  label: name,
  group: '',
  icon: '',
  value,
  known: value !== undefined,
  members: members.map((member) => ({ name: member, label: member, type: '' })),
})

const ROOTS = [
  root('input', undefined, ['city']),
  root('vars', { limit: 5 }),
  root('steps.group_by', { $artifact: 'a', row_count: 3, columns: [] }),
  root('steps.later', undefined),
]

it.each([
  ['{{ steps.group_by.rowcount }}', '{{ steps.group_by.row_count }}'],
  ['Rows: {{ steps.groupby.row_count }}', 'Rows: {{ steps.group_by.row_count }}'],
  ['{{ input.ctiy }}', '{{ input.city }}'],
  ['{{ vars.limits + 1 }}', '{{ vars.limit + 1 }}'],
  ['{{ uper(input.city) }}', '{{ upper(input.city) }}'],
])('%s means %s', (text, fixed) => expect(wrongPath(text, ROOTS)?.fixed?.text).toBe(fixed))

it('marks a name that is like no other, without a guess', () => {
  expect(wrongPath('{{ steps.zebra.x }}', ROOTS)).toEqual({
    path: 'steps.zebra',
    name: 'zebra',
    fixed: null,
  })
})

it.each([
  'steps.group_by.rowcount',
  '{{ steps.group_by.row_count }}',
  '{{ steps.group_by.rows }}',
  '{{ steps.later.anything.at[0].all }}',
  '{{ input.city | upper }}',
  '{{ "steps.nobody.x" }}',
  '{{ [x for x in prev if (x > 1)] }}',
  '{{ steps',
])('nothing is known to be wrong with %s', (text) => expect(wrongPath(text, ROOTS)).toBeNull())
