/** Where runs of a workflow stop, kept in this browser; written as the API does: `n`, `n:after`. */
import { shallowRef, type ShallowRef } from 'vue'
import type { Side } from '../seam'

const PREFIX = 'heddle.breakpoints.'

export class Breakpoints {
  readonly places: ShallowRef<ReadonlySet<string>>

  constructor(private readonly workflowId: string) {
    this.places = shallowRef(new Set(this.kept()))
  }

  has(nodeId: string, side: Side): boolean {
    return this.places.value.has(placeOf(nodeId, side))
  }

  /** Returns whether the run will stop there from now on. */
  toggle(nodeId: string, side: Side): boolean {
    const next = new Set(this.places.value)
    const place = placeOf(nodeId, side)
    const set = !next.delete(place)
    if (set) next.add(place)
    this.places.value = next
    this.keep()
    return set
  }

  clear(): void {
    this.places.value = new Set()
    this.keep()
  }

  /** Show what a run that is looked at was given, without remembering it. */
  show(places: readonly string[]): void {
    this.places.value = new Set(places.map((place) => place.replace(/:before$/, '')))
  }

  /** Those whose nodes there are. */
  of(exists: (nodeId: string) => boolean): readonly string[] {
    return [...this.places.value].filter((place) => exists(place.replace(/:after$/, '')))
  }

  private kept(): readonly string[] {
    try {
      const value: unknown = JSON.parse(localStorage.getItem(PREFIX + this.workflowId) ?? '[]')
      return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
    } catch {
      return []
    }
  }

  private keep(): void {
    try {
      const key = PREFIX + this.workflowId
      if (this.places.value.size === 0) localStorage.removeItem(key)
      else localStorage.setItem(key, JSON.stringify([...this.places.value]))
    } catch {
      // A forbidden store only costs the memory beyond this page.
    }
  }
}

function placeOf(nodeId: string, side: Side): string {
  return side === 'after' ? `${nodeId}:after` : nodeId
}
