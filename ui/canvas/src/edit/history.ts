/** The undo log: whole documents that share structure, typing coalesced into one step. */

export interface Entry<T> {
  readonly label: string
  readonly state: T
}

export interface HistoryOptions {
  readonly limit?: number
  /** Edits with the same key within this many ms of each other are one step. */
  readonly coalesceMs?: number
  readonly now?: () => number
}

export class History<T> {
  private past: Entry<T>[] = []
  private future: Entry<T>[] = []
  private current: Entry<T>
  private lastKey: string | null = null
  private lastAt = 0
  private readonly limit: number
  private readonly coalesceMs: number
  private readonly now: () => number

  constructor(initial: T, options: HistoryOptions = {}) {
    this.current = { label: 'Opened', state: initial }
    this.limit = options.limit ?? 200
    this.coalesceMs = options.coalesceMs ?? 1000
    this.now = options.now ?? Date.now
  }

  get state(): T {
    return this.current.state
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** What undo() would take back, for the button's tooltip. */
  get undoLabel(): string | null {
    return this.canUndo ? this.current.label : null
  }

  get redoLabel(): string | null {
    return this.future.at(-1)?.label ?? null
  }

  /** Oldest first; `entries[position]` is the present. */
  get entries(): readonly Entry<T>[] {
    return [...this.past, this.current, ...[...this.future].reverse()]
  }

  get position(): number {
    return this.past.length
  }

  commit(state: T, label: string, coalesceKey: string | null = null): void {
    if (state === this.current.state) return
    const at = this.now()
    const joins =
      coalesceKey !== null &&
      coalesceKey === this.lastKey &&
      at - this.lastAt <= this.coalesceMs &&
      this.past.length > 0
    if (!joins) {
      this.past.push(this.current)
      if (this.past.length > this.limit) this.past.shift()
    }
    this.current = { label, state }
    this.future = []
    this.lastKey = coalesceKey
    this.lastAt = at
  }

  undo(): T | null {
    return this.jump(this.position - 1)
  }

  redo(): T | null {
    return this.jump(this.position + 1)
  }

  jump(position: number): T | null {
    const all = this.entries
    const target = all[position]
    if (!target || position === this.position) return null
    this.past = all.slice(0, position)
    this.current = target
    this.future = all.slice(position + 1).reverse()
    this.lastKey = null
    return target.state
  }

  /** The log of an earlier page; the entry at `position` is the present. */
  restore(entries: readonly Entry<T>[], position: number): void {
    const present = entries[position]
    if (!present) return
    this.past = entries.slice(0, position)
    this.current = present
    this.future = entries.slice(position + 1).reverse()
    this.lastKey = null
  }

  /** Forget everything: another document was opened. */
  reset(state: T): void {
    this.past = []
    this.future = []
    this.current = { label: 'Opened', state }
    this.lastKey = null
  }
}
