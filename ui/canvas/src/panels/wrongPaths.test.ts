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
  root('steps.group_by', {
    $artifact: 'a',
    kind: 'table',
    row_count: 3,
    columns: [{ name: 'region', type: 'VARCHAR' }, { name: 'net sum', type: 'DOUBLE' }],
    preview: [{ region: 'North', 'net sum': 1 }],
  }),
  root('steps.big', { $artifact: 'b', kind: 'json', preview: { items: [] } }),
  root('steps.fetch', { body: { orders: [{ id: 1, lines: [{ price: 2 }] }] } }),
  root('item', { name: 'Ada', address: { city: 'Oslo' } }),
  root('secrets', undefined, ['API_KEY']),
  root('prev', [{ amount: 1 }]),
  root('steps.later', undefined),
]

it.each([
  ['{{ steps.group_by.rowcount }}', '{{ steps.group_by.row_count }}'],
  ['Rows: {{ steps.groupby.row_count }}', 'Rows: {{ steps.group_by.row_count }}'],
  ['{{ input.ctiy }}', '{{ input.city }}'],
  ['{{ vars.limits + 1 }}', '{{ vars.limit + 1 }}'],
  ['{{ uper(input.city) }}', '{{ upper(input.city) }}'],
  ['{{ steps.group_by.preview[0].regoin }}', '{{ steps.group_by.preview[0].region }}'],
  ['{{ steps.group_by.region }}', '{{ steps.group_by.preview[0].region }}'],
  ['{{ steps.group_by.net_sum }}', '{{ steps.group_by.preview[0]["net sum"] }}'],
  ['{{ item.nmae }}', '{{ item.name }}'],
  ['{{ item.address.ctiy }}', '{{ item.address.city }}'],
  ['{{ secrets.API_KYE }}', '{{ secrets.API_KEY }}'],
  ['{{ steps.fetch.body.orders[0].lines[0].prise }}', '{{ steps.fetch.body.orders[0].lines[0].price }}'],
  ['{{ steps.fetch.body.orders.id }}', '{{ steps.fetch.body.orders[0].id }}'],
  ['{{ prev[0].amuont }}', '{{ prev[0].amount }}'],
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
  '{{ steps.big.anything }}',
  '{{ steps.group_by.kind }}',
  '{{ [item.title for item in steps.fetch.body.orders] }}',
  '{{ steps.later.anything.at[0].all }}',
  '{{ input.city | upper }}',
  '{{ "steps.nobody.x" }}',
  '{{ [x for x in prev if (x > 1)] }}',
  '{{ steps',
])('nothing is known to be wrong with %s', (text) => expect(wrongPath(text, ROOTS)).toBeNull())
