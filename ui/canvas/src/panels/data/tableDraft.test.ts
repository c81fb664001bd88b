// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ExactNumber } from '../../json'
import { artifactOf } from './references'
import { TableDraft, tablesIn, valueAt, withValueAt, place } from './tableDraft'

const reference = {
  $artifact: 'a1',
  kind: 'table',
  media_type: 'application/vnd.apache.parquet',
  size_bytes: 10,
  columns: [
    { name: 'region', type: 'VARCHAR' },
    { name: 'big', type: 'BIGINT' },
    { name: 'a/b', type: 'DOUBLE' },
  ],
  row_count: 2,
}
const ROWS = [
  { region: 'North', big: new ExactNumber('12345678901234567890'), 'a/b': 630.5 },
  { region: null, big: null, 'a/b': null },
]

function begun(): TableDraft {
  const draft = new TableDraft(artifactOf(reference)!)
  draft.begin(ROWS)
  return draft
}

const sent = vi.hoisted(() => ({ body: '', answer: { status: 201, body: '{"$artifact":"a2"}' } }))
beforeEach(() => {
  vi.stubGlobal('fetch', (_: string, init: { body: string }) => {
    sent.body = init.body
    return Promise.resolve(new Response(sent.answer.body, { status: sent.answer.status }))
  })
})

describe('a table being edited', () => {
  it('shows every digit, and knows what is different', () => {
    const draft = begun()
    const [first, second] = draft.rows.value
    expect(draft.text(first!, 'big')).toBe('12345678901234567890')
    expect(draft.edited).toBe(false)
    draft.write(first!.key, 'a/b', '9999')
    expect(draft.isEdited(draft.rows.value[0]!, 'a/b')).toBe(true)
    draft.write(first!.key, 'a/b', '630.5')
    expect(draft.edited).toBe(false)
    draft.write(second!.key, 'region', '')
    expect(draft.edited).toBe(false)
  })

  it('sends the rows that it is to have, unchanged cells not among them', async () => {
    const draft = begun()
    const [first, second] = draft.rows.value
    draft.write(first!.key, 'region', '')
    draft.write(first!.key, 'a/b', '')
    draft.remove(second!.key)
    expect(draft.add()).toBe(1)
    draft.write(draft.rows.value[1]!.key, 'big', '98765432109876543210')
    expect(await draft.save()).toEqual({ $artifact: 'a2' })
    expect(JSON.parse(sent.body)).toEqual({
      rows: [
        { source: 0, cells: { region: '', 'a/b': null } },
        { source: null, cells: { big: '98765432109876543210' } },
      ],
    })
    draft.reset()
    expect(draft.edited).toBe(false)
  })

  it('puts what the server refuses to the cell', async () => {
    const draft = begun()
    const key = draft.rows.value[1]!.key
    const errors = [{ pointer: '/rows/1/cells/a~1b', code: 'cells_invalid', detail: 'no number' }]
    sent.answer = { status: 422, body: JSON.stringify({ code: 'cells_invalid', errors }) }
    await expect(draft.save()).rejects.toThrow()
    expect(draft.refused.value.get(place(key, 'a/b'))).toBe('no number')
    expect(draft.firstRefused()).toBe(1)
    draft.write(key, 'a/b', '1')
    expect(draft.firstRefused()).toBe(-1)
  })

  it('is not offered for more rows than a person edits', () => {
    const draft = new TableDraft(artifactOf({ ...reference, row_count: 1001 })!)
    expect(draft.state.value).toBe('too_large')
  })
})

it('finds tables at any depth and puts others in their place', () => {
  const value = { report: [{ table: reference }], file: { ...reference, kind: 'file' } }
  const [found, ...others] = tablesIn(value)
  expect(found?.path).toEqual(['report', '0', 'table'])
  expect(others).toEqual([])
  expect(valueAt(value, found!.path)).toBe(reference)
  expect(withValueAt(value, found!.path, 1)).toEqual({ ...value, report: [{ table: 1 }] })
  expect(tablesIn(reference)[0]?.path).toEqual([])
})
