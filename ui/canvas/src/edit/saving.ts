/**
 * Autosave: debounced PUTs with If-Match, one at a time, retried while the server is away.
 *
 * An edit is in the browser's backup before it is on its way, and leaves the backup only when the
 * server has answered for exactly that drawing.
 */
import { shallowRef, type ShallowRef } from 'vue'
import { ApiError } from '../api'
import { stringify } from '../json'
import type { Definition } from '../seam'
import type { Backups } from './backup'
import { sameDrawing as same } from './same'

export type SaveState =
  'saved' | 'dirty' | 'saving' | 'offline' | 'conflict' | 'signed_out' | 'refused'

export interface Stored {
  readonly definition: Definition
  readonly revision: number
  readonly etag: string
}

export interface Remote {
  load(): Promise<Stored>
  put(
    definition: Definition,
    etag: string,
    keepalive: boolean,
  ): Promise<{ revision: number; etag: string }>
}

export interface SavingOptions {
  readonly remote: Remote
  readonly backups: Backups
  readonly debounceMs?: number
  readonly retryMs?: number
  readonly maxRetryMs?: number
  readonly onSaved?: (revision: number) => void
  /** Both sides' changes since `base` in one drawing; null when a person must choose. */
  readonly merge?: (base: Definition, mine: Definition, theirs: Definition) => Definition | null
  /** What to show from now on, and what the server had. */
  readonly onMerged?: (merged: Definition, theirs: Definition) => void
}

/** Browsers refuse keepalive requests with more than 64 KB of body. */
const KEEPALIVE_LIMIT = 60_000

export class Saving {
  readonly state: ShallowRef<SaveState> = shallowRef('saved')
  readonly detail: ShallowRef<string> = shallowRef('')
  readonly revision: ShallowRef<number> = shallowRef(0)
  /** What the server has, when it is not what this tab began with. */
  readonly theirs: ShallowRef<Stored | null> = shallowRef(null)

  private etag = ''
  private saved: Definition
  /** What both sides of a conflict were made from, where that is known. */
  private common: Definition | null
  private current: Definition
  private timer: ReturnType<typeof setTimeout> | null = null
  private sending: Promise<void> | null = null
  private failures = 0
  private stopped = false

  constructor(
    stored: Stored,
    private readonly options: SavingOptions,
  ) {
    this.saved = this.common = this.current = stored.definition
    this.adopt(stored)
  }

  get base(): Definition | null {
    return this.common
  }

  get dirty(): boolean {
    return this.current !== this.saved
  }

  /** The drawing changed: keep it here at once, and there soon. */
  edited(definition: Definition): void {
    this.current = definition
    if (!this.dirty) {
      if (this.state.value === 'dirty') this.settle()
      return
    }
    this.keep()
    if (this.state.value === 'conflict') return
    if (this.state.value !== 'offline') this.state.value = 'dirty'
    this.schedule(this.state.value === 'offline' ? this.retryDelay() : this.debounceMs)
  }

  /** Resolves when the server has the newest edit; rejects when it will not. */
  async flush(): Promise<void> {
    for (let tries = 0; this.dirty && tries < 5; tries++) {
      if (this.state.value === 'conflict') break
      await this.send()
      if (this.state.value === 'offline' || this.state.value === 'refused') break
    }
    if (this.dirty) throw new ApiError(0, this.state.value, this.explain())
  }

  /** The last chance before the page goes: small drawings still reach the server. */
  leave(): void {
    if (!this.dirty || this.state.value === 'conflict') return
    this.keep()
    if (stringify(this.current).length > KEEPALIVE_LIMIT) return
    void this.options.remote.put(this.current, this.etag, true).catch(() => undefined)
  }

  /** The network is back, or the window is looked at again. */
  async wake(): Promise<void> {
    if (this.dirty && this.state.value !== 'conflict') await this.send()
  }

  /** The end of a conflict: this drawing, ours or a merged one, replaces theirs. */
  async resolve(definition: Definition): Promise<void> {
    const theirs = this.theirs.value
    if (!theirs) return
    this.continueFrom(theirs, definition)
    await this.send()
  }

  private continueFrom(theirs: Stored, definition: Definition): void {
    this.adopt(theirs)
    this.saved = this.common = theirs.definition
    this.current = definition
    this.theirs.value = null
    this.state.value = 'dirty'
    this.keep()
  }

  /** Theirs replaces ours; the caller shows the drawing it gets. */
  takeTheirs(): Definition | null {
    const theirs = this.theirs.value
    if (!theirs) return null
    this.adopt(theirs)
    this.saved = this.common = this.current = theirs.definition
    this.theirs.value = null
    this.settle()
    return theirs.definition
  }

  /** Asks for the server's newest when nothing is unsaved here; null when it is what we have. */
  async refresh(): Promise<Definition | null> {
    if (this.dirty || this.sending || this.state.value === 'conflict') return null
    const stored = await this.options.remote.load()
    if (this.dirty || stored.revision === this.revision.value) return null
    this.adopt(stored)
    if (same(stored.definition, this.current)) return null
    this.saved = this.common = this.current = stored.definition
    return stored.definition
  }

  /** A backup made of another revision: somebody else saved in between. */
  conflictWith(mine: Definition, theirs: Stored, base: Definition | null): void {
    this.current = mine
    this.common = base
    this.disagree(theirs)
    this.keep()
  }

  /** Merges what can be merged by itself; the rest waits for a person. */
  private disagree(theirs: Stored): void {
    const mine = this.current
    const merged = this.common && this.options.merge?.(this.common, mine, theirs.definition)
    if (!merged) {
      this.theirs.value = theirs
      this.state.value = 'conflict'
      return
    }
    this.continueFrom(theirs, merged)
    this.options.onMerged?.(merged, theirs.definition)
    this.schedule(this.debounceMs)
  }

  /** A change of the workflow that is not its drawing: sent between two saves, like one. */
  async beside(
    change: (etag: string) => Promise<{ revision: number; etag: string }>,
  ): Promise<void> {
    await this.flush()
    await this.sending
    const work = this.take(change)
    this.sending = work.catch(() => undefined).finally(() => (this.sending = null))
    await work
  }

  private async take(
    change: (etag: string) => Promise<{ revision: number; etag: string }>,
  ): Promise<void> {
    const answer = await change(this.etag)
    this.etag = answer.etag
    this.revision.value = answer.revision
  }

  stop(): void {
    this.stopped = true
    if (this.timer !== null) clearTimeout(this.timer)
  }

  private get debounceMs(): number {
    return this.options.debounceMs ?? 400
  }

  private retryDelay(): number {
    const first = this.options.retryMs ?? 1000
    return Math.min(first * 2 ** this.failures, this.options.maxRetryMs ?? 15_000)
  }

  private schedule(ms: number): void {
    if (this.stopped) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.timer = null
      void this.send()
    }, ms)
  }

  private async send(): Promise<void> {
    if (this.sending) {
      await this.sending
      if (!this.dirty || this.state.value === 'conflict') return
    }
    this.sending = this.put().finally(() => {
      this.sending = null
    })
    await this.sending
  }

  private async put(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    const sent = this.current
    if (this.state.value !== 'offline') this.state.value = 'saving'
    try {
      const answer = await this.options.remote.put(sent, this.etag, false)
      this.etag = answer.etag
      this.revision.value = answer.revision
      this.saved = this.common = sent
      this.failures = 0
      if (this.dirty) {
        this.state.value = 'dirty'
        this.keep()
        this.schedule(this.debounceMs)
      } else {
        this.settle()
      }
      this.options.onSaved?.(answer.revision)
    } catch (error) {
      await this.failed(error, sent)
    }
  }

  private async failed(error: unknown, sent: Definition): Promise<void> {
    const problem = error instanceof ApiError ? error : new ApiError(0, 'offline', String(error))
    this.detail.value = problem.message
    if (problem.status === 412) return this.compare(sent)
    if (problem.status === 401 || problem.status === 403) {
      this.state.value = 'signed_out'
      return
    }
    if (problem.offline || problem.status === 429 || problem.status >= 500) {
      this.state.value = 'offline'
      this.schedule(this.retryDelay())
      this.failures += 1
      return
    }
    this.state.value = 'refused'
  }

  /** 412: perhaps our own earlier save whose answer was lost, perhaps somebody else's. */
  private async compare(sent: Definition): Promise<void> {
    let stored: Stored
    try {
      stored = await this.options.remote.load()
    } catch {
      this.state.value = 'offline'
      this.schedule(this.retryDelay())
      this.failures += 1
      return
    }
    if (same(stored.definition, sent) || same(stored.definition, this.saved)) {
      this.adopt(stored)
      if (same(stored.definition, sent)) this.saved = this.common = sent
      if (this.dirty) {
        this.state.value = 'dirty'
        this.schedule(this.debounceMs)
      } else {
        this.settle()
        this.options.onSaved?.(stored.revision)
      }
      return
    }
    this.disagree(stored)
  }

  private adopt(stored: Stored): void {
    this.etag = stored.etag
    this.revision.value = stored.revision
  }

  private settle(): void {
    this.state.value = 'saved'
    this.detail.value = ''
    this.options.backups.clearOwn()
  }

  private keep(): void {
    this.options.backups.keep({
      revision: this.revision.value,
      savedAt: Date.now(),
      definition: this.current,
      base: this.common ?? undefined,
    })
  }

  private explain(): string {
    if (this.state.value === 'conflict') {
      return 'This workflow was changed elsewhere. Choose which drawing to keep first.'
    }
    return this.detail.value || 'The newest edits could not be saved.'
  }
}
