/** The undo log of a tab across a reload: documents share their parts, so that each is kept once. */
import { plainGeometry } from '../document/plain'
import { isMembers, parse, stringify } from '../json'
import type { Definition } from '../seam'
import type { Entry } from './history'
import { sameDrawing } from './same'

const PREFIX = 'heddle:history:'
const VERSION = 1
const MOST_ENTRIES = 100
/** A tab's store holds about five million characters. */
const MOST_CHARACTERS = 2_000_000

type Tabs = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export interface Kept {
  readonly entries: readonly Entry<Definition>[]
  readonly position: number
  readonly selected: readonly string[]
}

/** Keeps what fits: the entries nearest to the present come first. */
export function keepHistory(workflowId: string, kept: Kept, store: Tabs = sessionStorage): void {
  for (let most = MOST_ENTRIES; most >= 2; most = Math.floor(most / 2)) {
    const text = write(around(kept, most))
    if (text.length > MOST_CHARACTERS) continue
    try {
      store.setItem(PREFIX + workflowId, text)
      return
    } catch {
      // No room: fewer entries may fit.
    }
  }
  forget(workflowId, store)
}

/** What was kept, if it ends in this drawing; it is given once. */
export function recallHistory(
  workflowId: string,
  present: Definition,
  store: Tabs = sessionStorage,
): Kept | null {
  try {
    const text = store.getItem(PREFIX + workflowId)
    forget(workflowId, store)
    const kept = text === null ? null : read(text)
    const now = kept?.entries[kept.position]
    if (!kept || !now || !sameDrawing(now.state, present)) return null
    const entries = kept.entries.map((entry, index) =>
      index === kept.position ? { ...entry, state: present } : entry,
    )
    return { ...kept, entries }
  } catch {
    return null
  }
}

function forget(workflowId: string, store: Tabs): void {
  try {
    store.removeItem(PREFIX + workflowId)
  } catch {
    // A browser without storage has kept nothing.
  }
}

function around(kept: Kept, most: number): Kept {
  const from = Math.max(0, Math.min(kept.position - Math.floor(most * 0.75), kept.entries.length - most))
  const entries = kept.entries.slice(from, from + most)
  return { ...kept, entries, position: kept.position - from }
}

const LISTS = ['nodes', 'edges', 'notes', 'groups'] as const

interface Written {
  readonly version: number
  readonly position: number
  readonly selected: readonly string[]
  /** Nodes, edges, notes, groups and other members; entries name them by their place in here. */
  readonly parts: readonly unknown[]
  readonly entries: readonly {
    readonly label: string
    readonly lists: Readonly<Record<string, readonly number[]>>
    readonly members: Readonly<Record<string, number>>
  }[]
}

function write({ entries, position, selected }: Kept): string {
  const parts: unknown[] = []
  const places = new Map<unknown, number>()
  const placeOf = (part: unknown): number => {
    const known = places.get(part)
    if (known !== undefined) return known
    places.set(part, parts.length)
    return parts.push(part) - 1
  }
  const written: Written = {
    version: VERSION,
    position,
    selected,
    parts,
    entries: entries.map(({ label, state }) => {
      const lists: Record<string, number[]> = {}
      const members: Record<string, number> = {}
      for (const [name, value] of Object.entries(state))
        if (LISTS.some((list) => list === name)) lists[name] = (value as unknown[]).map(placeOf)
        else members[name] = placeOf(value)
      return { label, lists, members }
    }),
  }
  return stringify(written)
}

function read(text: string): Kept | null {
  const written = parse(text)
  if (!isMembers(written) || written['version'] !== VERSION) return null
  const { parts, position, selected, entries } = written as unknown as Written
  // Geometry is made plain part by part, so that drawings share their steps again.
  const plain = parts.map((part) => plainPart(part))
  return {
    position,
    selected,
    entries: entries.map(({ label, lists, members }) => ({
      label,
      state: Object.fromEntries([
        ...Object.entries(members).map(([name, at]) => [name, plain[at]]),
        ...Object.entries(lists).map(([name, places]) => [name, places.map((at) => plain[at])]),
      ]) as Definition,
    })),
  }
}

function plainPart(part: unknown): unknown {
  if (!isMembers(part) || !('position' in part || 'body' in part)) return part
  return plainGeometry({ nodes: [part as never] }).nodes?.[0]
}
