/** Unsaved drawings kept in this browser, one per tab, until the server has them. */
import { plainGeometry } from '../document/plain'
import { parse, stringify } from '../json'
import type { Definition } from '../seam'

export interface Backup {
  readonly revision: number
  readonly savedAt: number
  readonly definition: Definition
  /** The saved drawing that it was made from, so that later changes of others can be merged. */
  readonly base?: Definition | undefined
}

export interface Store {
  readonly length: number
  key(index: number): string | null
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

const PREFIX = 'heddle:draft:'

export class Backups {
  private readonly own: string
  private written: { readonly base: Definition; readonly text: string } | null = null

  constructor(
    private readonly workflowId: string,
    tabId: string,
    private readonly store: Store = localStorage,
  ) {
    this.own = `${PREFIX}${workflowId}:${tabId}`
  }

  /** False when the browser refuses, for instance because its storage is full. */
  keep(backup: Backup): boolean {
    const { base, ...rest } = backup
    const text = stringify(rest)
    // A full store may still have room for the drawing alone.
    return (
      (base !== undefined && this.set(`${text.slice(0, -1)},"base":${this.textOf(base)}}`)) ||
      this.set(text)
    )
  }

  private set(text: string): boolean {
    try {
      this.store.setItem(this.own, text)
      return true
    } catch {
      return false
    }
  }

  /** The same base is kept with every edit until the next save: it is written out once. */
  private textOf(base: Definition): string {
    if (this.written?.base !== base) this.written = { base, text: stringify(base) }
    return this.written.text
  }

  /** This tab's backup, else the newest of a tab that was closed before it could save. */
  find(): Backup | null {
    const own = this.read(this.own)
    if (own) return own
    return this.keys()
      .map((key) => this.read(key))
      .filter((backup) => backup !== null)
      .reduce<Backup | null>((a, b) => (a === null || b.savedAt > a.savedAt ? b : a), null)
  }

  /** After a save: what this tab kept, and what other tabs kept of the same or older drawings. */
  clear(savedAt: number = Infinity): void {
    for (const key of this.keys()) {
      if (key === this.own || (this.read(key)?.savedAt ?? 0) <= savedAt) this.store.removeItem(key)
    }
  }

  clearOwn(): void {
    this.store.removeItem(this.own)
  }

  private keys(): string[] {
    const prefix = `${PREFIX}${this.workflowId}:`
    const found: string[] = []
    for (let i = 0; i < this.store.length; i++) {
      const key = this.store.key(i)
      if (key?.startsWith(prefix)) found.push(key)
    }
    return found
  }

  private read(key: string): Backup | null {
    try {
      const value: unknown = parse(this.store.getItem(key) ?? 'null')
      if (typeof value !== 'object' || value === null) return null
      const backup = value as Partial<Backup>
      if (typeof backup.revision !== 'number' || !backup.definition) return null
      const { definition, base } = backup
      return {
        ...(backup as Backup),
        definition: plainGeometry(definition),
        ...(base ? { base: plainGeometry(base) } : {}),
      }
    } catch {
      return null
    }
  }
}

/** The same for this tab after a reload, and only then. */
export function tabId(): string {
  const key = 'heddle:tab'
  try {
    const known = sessionStorage.getItem(key)
    if (known) return known
    const made = crypto.randomUUID?.() ?? String(Math.random()).slice(2)
    sessionStorage.setItem(key, made)
    return made
  } catch {
    return 'tab'
  }
}
