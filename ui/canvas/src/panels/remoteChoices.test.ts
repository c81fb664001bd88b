import { afterEach, describe, expect, it, vi } from 'vitest'
import { forgetChoices, remoteChoices } from './remoteChoices'

const file = (path: string) => ({ path, name: path, kind: 'file' })
const directory = (path: string) => ({ path, name: path, kind: 'directory' })

/** A server with these lists, two entries a page. */
function serve(lists: Readonly<Record<string, readonly object[]>>): void {
  vi.stubGlobal('fetch', (address: string) => {
    const { pathname, searchParams } = new URL(address, 'http://here')
    expect(searchParams.get('limit')).toBe('200')
    const inside = searchParams.get('directory')
    const path = pathname.replace('/api/v1', '') + (inside === null ? '' : `?${inside}`)
    const from = Number(searchParams.get('cursor') ?? 0)
    const all = lists[path] ?? []
    const answer = {
      items: all.slice(from, from + 2),
      next_cursor: from + 2 < all.length ? String(from + 2) : null,
      total: all.length,
    }
    return Promise.resolve(new Response(JSON.stringify(answer)))
  })
}

describe('what fields offer from the server', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    forgetChoices('file')
    forgetChoices('library_graph')
  })

  it('offers every file of every page and directory, and no directory', async () => {
    serve({
      '/workspaces': [{ id: 'w', name: 'Files' }],
      '/workspaces/w/files': [directory('2026'), file('a.csv'), file('b.csv'), file('ç d.csv')],
      '/workspaces/w/files?2026': [directory('2026/1 & 2'), file('2026/q.csv')],
      '/workspaces/w/files?2026/1 & 2': [file('2026/1 & 2/x.csv')],
    })
    const offered = (await remoteChoices('file')).map((choice) => choice.value)
    expect(offered).toEqual(['a.csv', 'b.csv', 'ç d.csv', '2026/q.csv', '2026/1 & 2/x.csv'])
  })

  it('offers graphs of every page under their titles', async () => {
    serve({ '/graphs': [{ name: 'a', title: 'A' }, { name: 'b' }, { name: 'c', title: 'C' }] })
    const offered = (await remoteChoices('library_graph')).map((choice) => choice.title)
    expect(offered).toEqual(['A', 'b', 'C'])
  })
})
