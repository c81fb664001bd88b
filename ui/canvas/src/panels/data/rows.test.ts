import { describe, expect, it } from 'vitest'
import { ApiError } from '../../api'
import { artifactOf } from './references'
import { headsOf, TablePages, type RowsAnswer } from './rows'

const artifact = artifactOf({
  $artifact: 'a 1',
  kind: 'table',
  size_bytes: 1,
  columns: [
    { name: 'n', type: 'BIGINT' },
    { name: 'tags', type: 'VARCHAR[]' },
    { name: 'price', type: 'DECIMAL(18,3)' },
    { name: 'made', type: 'TIMESTAMP WITH TIME ZONE' },
  ],
  row_count: 250,
  preview: [{ n: 1 }, { n: 2 }],
})!

/** A server with 250 rows whose cursors are opaque. */
function world() {
  const asked: string[] = []
  const load = (path: string): Promise<RowsAnswer> => {
    asked.push(path)
    const query = new URLSearchParams(path.split('?')[1])
    const from = Number((query.get('cursor') ?? 'c0').slice(1))
    const found = query.get('search') === 'nothing' ? 0 : 250
    const count = Math.max(0, Math.min(100, found - from))
    return Promise.resolve({
      items: Array.from({ length: count }, (_, index) => ({ n: from + index })),
      next_cursor: from + count < found ? `c${String(from + count)}` : null,
      total: found,
    })
  }
  return { asked, pages: new TablePages(artifact, load) }
}

describe('a table that the server keeps', () => {
  it('shows its preview before anything has arrived', () => {
    expect(world().pages.page.value).toMatchObject({ rows: [{ n: 1 }, { n: 2 }], first: 1 })
  })

  it('goes on and back by cursors', async () => {
    const { pages, asked } = world()
    await pages.start()
    expect(asked[0]).toBe('/artifacts/a%201/rows?limit=100')
    expect(pages.hasPrevious).toBe(false)
    await pages.next()
    await pages.next()
    expect(pages.page.value).toMatchObject({ first: 201, next: null })
    expect(pages.page.value.rows).toHaveLength(50)
    await pages.next()
    expect(asked).toHaveLength(3)
    await pages.previous()
    expect(pages.page.value.first).toBe(101)
    await pages.previous()
    expect(pages.page.value.first).toBe(1)
    expect(asked.at(-1)).not.toContain('cursor')
  })

  it('sorts and searches on the server, from the first page', async () => {
    const { pages, asked } = world()
    await pages.start()
    await pages.next()
    await pages.sortBy({ key: 'n', descending: true })
    expect(asked.at(-1)).toBe('/artifacts/a%201/rows?limit=100&sort=-n')
    expect(pages.page.value.first).toBe(1)
    await pages.search(' nothing ')
    expect(asked.at(-1)).toContain('search=nothing')
    expect(pages.total.value).toBe(0)
    const before = asked.length
    await pages.search('nothing')
    expect(asked).toHaveLength(before)
  })

  it('keeps the preview of what is gone, and the page that was there when the server fails', async () => {
    let status = 404
    const pages = new TablePages(artifact, () =>
      Promise.reject(new ApiError(status, 'not_found', 'No')),
    )
    await pages.start()
    expect(pages.gone.value).toBe(true)
    expect(pages.page.value.rows).toHaveLength(2)
    status = 500
    await pages.again()
    expect(pages.gone.value).toBe(false)
    expect(pages.failure.value?.message).toBe('No')
  })

  it('drops the answer to an older question', async () => {
    const waiting: ((answer: RowsAnswer) => void)[] = []
    const pages = new TablePages(artifact, () => new Promise((resolve) => waiting.push(resolve)))
    const first = pages.start()
    const second = pages.sortBy({ key: 'n', descending: false })
    waiting[1]?.({ items: [{ n: 9 }], next_cursor: null, total: 1 })
    waiting[0]?.({ items: [{ n: 0 }], next_cursor: null, total: 1 })
    await Promise.all([first, second])
    expect(pages.page.value.rows).toEqual([{ n: 9 }])
    expect(pages.loading.value).toBe(false)
  })

  it('tells the types of its columns', () => {
    expect(headsOf(artifact).map(({ type, mark }) => [type, mark])).toEqual([
      ['number', 'integer'],
      ['object', 'varchar[]'],
      ['number', 'decimal(18,3)'],
      ['text', 'time stamp'],
    ])
  })
})
