/** What is marked on the drawing for the moment: what was searched for, what a run would execute. */
import { shallowRef, type ShallowRef } from 'vue'

const NONE: ReadonlySet<string> = new Set()

/** A part of the drawing that could be run, while it is pointed at. */
export interface Planned {
  /** The steps and all that is drawn inside them. */
  readonly ids: ReadonlySet<string>
  readonly told: string
}

export class Marks {
  readonly hits: ShallowRef<ReadonlySet<string>> = shallowRef(NONE)
  /** The hit that is looked at. */
  readonly current: ShallowRef<string | null> = shallowRef(null)
  readonly planned: ShallowRef<Planned | null> = shallowRef(null)

  clearHits(): void {
    this.hits.value = NONE
    this.current.value = null
  }
}
