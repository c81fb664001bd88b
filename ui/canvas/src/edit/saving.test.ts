// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../api'
import { nodeOf, patchNode } from '../document/document'
import { merge } from '../document/merge'
import { sample } from '../document/samples'
import type { Definition } from '../seam'
import { Backups } from './backup'
import { sameDrawing } from './same'
import { Saving, type Remote, type Stored } from './saving'

const OFFLINE = new ApiError(0, 'offline', 'The server cannot be reached.')

/** A server that keeps one draft and compares revisions, as the real one does. */
class Server implements Remote {
  stored: Stored = { definition: sample(), revision: 1, etag: '"1"' }
  trouble: ApiError | null = null
  puts: Definition[] = []
  loseAnswers = false

  async load(): Promise<Stored> {
    if (this.trouble) throw this.trouble
    return structuredClone(this.stored)
  }

  async put(definition: Definition, etag: string) {
    if (this.trouble) throw this.trouble
    if (etag !== this.stored.etag) throw new ApiError(412, 'stale', 'Changed elsewhere')
    this.puts.push(definition)
    this.write(definition)
    if (this.loseAnswers) throw OFFLINE
    return { revision: this.stored.revision, etag: this.stored.etag }
  }

  write(definition: Definition): void {
    const revision = this.stored.revision + 1
    this.stored = { definition: structuredClone(definition), revision, etag: `"${revision}"` }
  }
}

let server: Server
let backups: Backups
let saving: Saving

const edited = (text: string): Definition => patchNode(sample(), 'a', { params: { text } })

beforeEach(() => {
  vi.useFakeTimers()
  localStorage.clear()
  server = new Server()
  backups = new Backups('w1', 'tab1')
  saving = new Saving(server.stored, { remote: server, backups })
})

afterEach(() => {
  saving.stop()
  vi.useRealTimers()
})

describe('saving', () => {
  it('sends the last of several quick edits, once, and forgets the backup', async () => {
    for (const text of ['x', 'xy', 'xyz']) saving.edited(edited(text))
    expect(saving.state.value).toBe('dirty')
    expect(backups.find()?.definition).toEqual(edited('xyz'))
    await vi.advanceTimersByTimeAsync(500)
    expect(server.puts).toEqual([edited('xyz')])
    expect(saving.state.value).toBe('saved')
    expect(saving.revision.value).toBe(2)
    expect(backups.find()).toBeNull()
  })

  it('keeps edits while the server is away, retries ever slower, and saves when it is back', async () => {
    server.trouble = OFFLINE
    saving.edited(edited('kept'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('offline')
    expect(backups.find()?.definition).toEqual(edited('kept'))
    await vi.advanceTimersByTimeAsync(8000)
    server.trouble = null
    await vi.advanceTimersByTimeAsync(16_000)
    expect(saving.state.value).toBe('saved')
    expect(server.stored.definition).toEqual(edited('kept'))
    expect(backups.find()).toBeNull()
  })

  it('saves at once when the network is back', async () => {
    server.trouble = OFFLINE
    saving.edited(edited('kept'))
    await vi.advanceTimersByTimeAsync(500)
    server.trouble = null
    await saving.wake()
    expect(saving.state.value).toBe('saved')
  })

  it('tells a change made elsewhere, and loses neither drawing', async () => {
    server.write(edited('theirs'))
    saving.edited(edited('mine'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('conflict')
    expect(saving.theirs.value?.definition).toEqual(edited('theirs'))
    saving.edited(edited('mine still'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.stored.definition).toEqual(edited('theirs'))
    expect(backups.find()?.definition).toEqual(edited('mine still'))
    await expect(saving.flush()).rejects.toThrow('changed elsewhere')
    await saving.resolve(edited('mine still'))
    expect(saving.state.value).toBe('saved')
    expect(server.stored.definition).toEqual(edited('mine still'))
  })

  it('can take the other drawing instead', async () => {
    server.write(edited('theirs'))
    saving.edited(edited('mine'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.takeTheirs()).toEqual(edited('theirs'))
    expect(saving.state.value).toBe('saved')
    saving.edited(edited('after'))
    await vi.advanceTimersByTimeAsync(500)
    expect(server.stored.definition).toEqual(edited('after'))
  })

  it('knows its own save again when the answer was lost', async () => {
    server.loseAnswers = true
    saving.edited(edited('once'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('offline')
    server.loseAnswers = false
    await vi.advanceTimersByTimeAsync(5000)
    expect(saving.state.value).toBe('saved')
    expect(server.puts).toHaveLength(1)
  })

  it('sees no conflict when only the name was changed elsewhere', async () => {
    server.write(sample())
    saving.edited(edited('mine'))
    await vi.advanceTimersByTimeAsync(2000)
    expect(saving.state.value).toBe('saved')
    expect(server.stored.definition).toEqual(edited('mine'))
  })

  it('sends what was edited while a save was under way', async () => {
    saving.edited(edited('one'))
    const flushing = saving.flush()
    saving.edited(edited('two'))
    await flushing
    expect(server.puts.at(-1)).toEqual(edited('two'))
    expect(saving.state.value).toBe('saved')
  })

  it('says when the server refuses, and tries again with the next edit', async () => {
    server.trouble = new ApiError(413, 'too_large', 'This drawing is too large.')
    saving.edited(edited('big'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('refused')
    expect(saving.detail.value).toBe('This drawing is too large.')
    server.trouble = null
    saving.edited(edited('small'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('saved')
  })

  it('keeps edits when the session has ended', async () => {
    server.trouble = new ApiError(401, 'unauthorized', 'Sign in.')
    saving.edited(edited('kept'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('signed_out')
    expect(backups.find()?.definition).toEqual(edited('kept'))
  })

  it('sends what is unsaved when the page goes', async () => {
    saving.edited(edited('last'))
    saving.leave()
    await vi.advanceTimersByTimeAsync(0)
    expect(server.stored.definition).toEqual(edited('last'))
  })

  it('shows a newer drawing only while nothing is unsaved here', async () => {
    server.write(edited('newer'))
    expect(await saving.refresh()).toEqual(edited('newer'))
    server.write(edited('newest'))
    saving.edited(edited('mine'))
    expect(await saving.refresh()).toBeNull()
  })
})

describe('backups', () => {
  it('of this tab come first, then the newest of a closed one', () => {
    const other = new Backups('w1', 'tab2')
    other.keep({ revision: 1, savedAt: 5, definition: edited('closed') })
    expect(backups.find()?.definition).toEqual(edited('closed'))
    backups.keep({ revision: 1, savedAt: 1, definition: edited('own') })
    expect(backups.find()?.definition).toEqual(edited('own'))
    expect(new Backups('w2', 'tab1').find()).toBeNull()
    backups.clear()
    expect(other.find()).toBeNull()
  })

  it('survive nonsense in the storage and a storage that is full', () => {
    localStorage.setItem('heddle:draft:w1:tab1', '{"half')
    expect(backups.find()).toBeNull()
    const full = {
      length: 0,
      key: () => null,
      getItem: () => null,
      removeItem: () => undefined,
      setItem() {
        throw new Error('QuotaExceededError')
      },
    }
    expect(new Backups('w1', 't', full).keep({ revision: 1, savedAt: 1, definition: {} })).toBe(
      false,
    )
  })
})

describe('changes of two sides', () => {
  const theirs = (): Definition => patchNode(sample(), 'b', { name: 'Theirs' })
  let shown: [Definition, Definition][]

  beforeEach(() => {
    shown = []
    saving = new Saving(server.stored, {
      remote: server,
      backups,
      merge: (base, mine, other) => {
        const { definition, clashes } = merge(base, mine, other)
        return clashes.length === 0 ? definition : null
      },
      onMerged: (...both) => shown.push(both),
    })
  })

  it('are merged and saved where they do not clash, with later edits on top', async () => {
    server.write(theirs())
    saving.edited(edited('mine'))
    await vi.advanceTimersByTimeAsync(2000)
    expect(saving.state.value).toBe('saved')
    expect(shown).toHaveLength(1)
    const both = patchNode(edited('mine'), 'b', { name: 'Theirs' })
    expect(sameDrawing(server.stored.definition, both)).toBe(true)
    expect(shown[0]).toEqual([server.stored.definition, theirs()])
    expect(backups.find()).toBeNull()
  })

  it('wait for a person where they clash, also after a reload', async () => {
    server.write(edited('theirs'))
    saving.edited(edited('mine'))
    await vi.advanceTimersByTimeAsync(500)
    expect(saving.state.value).toBe('conflict')
    expect(saving.base).toEqual(sample())
    const backup = backups.find()!
    expect(backup.base).toEqual(sample())
    await saving.resolve(edited('both'))
    expect(server.stored.definition).toEqual(edited('both'))
  })

  it('are merged after a reload from what the backup was made from', async () => {
    server.trouble = OFFLINE
    saving.edited(edited('mine'))
    const backup = backups.find()!
    saving.stop()
    server.trouble = null
    server.write(theirs())
    const again = new Saving(server.stored, {
      remote: server,
      backups,
      merge: (base, mine, other) => merge(base, mine, other).definition,
    })
    again.conflictWith(backup.definition, server.stored, backup.base ?? null)
    await vi.advanceTimersByTimeAsync(1000)
    expect(again.state.value).toBe('saved')
    expect(nodeOf(server.stored.definition, 'a')?.params).toEqual({ text: 'mine' })
    expect(nodeOf(server.stored.definition, 'b')?.name).toBe('Theirs')
  })
})
