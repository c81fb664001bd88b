/** The drawing that the shown run was started with, held against the one that is there now. */
import { computed, inject, provide, shallowRef, watch, type ComputedRef, type InjectionKey } from 'vue'
import { get } from '../api'
import type { Definition, EditorStore, RunStore } from '../seam'
import { staleSteps, type Staleness } from './stale'

type Stale = ComputedRef<ReadonlyMap<string, Staleness>>

const NONE: ReadonlyMap<string, Staleness> = new Map()
const STALE: InjectionKey<Stale> = Symbol('stale')

/** In the editor alone: a past run is shown on its own drawing. */
export function provideStale(editor: EditorStore, run: RunStore): void {
  const then = shallowRef<Definition | null>(null)
  if (editor.mode === 'edit')
    watch(
      () => run.runId.value,
      async (id) => {
        then.value = null
        if (id === null) return
        const path = `/runs/${encodeURIComponent(id)}/definition`
        const drawn = await get<Definition>(path).catch(() => null)
        if (run.runId.value === id) then.value = drawn
      },
      { immediate: true },
    )
  provide(
    STALE,
    computed(() => (then.value === null ? NONE : staleSteps(then.value, editor.definition.value))),
  )
}

export function useStale(): Stale {
  return inject(STALE, computed(() => NONE))
}

export const STALE_WORDS: Readonly<Record<Staleness, { short: string; long: string }>> = {
  changed: {
    short: 'Changed',
    long: 'The step was changed since this run: it may give other data now.',
  },
  after: {
    short: 'Outdated',
    long: 'A step before it was changed since this run: it may give other data now.',
  },
}
