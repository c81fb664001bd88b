/** Shows on the drawing, and in words, what a run of a part would execute, while it is pointed at. */
import { onBeforeUnmount } from 'vue'
import { places } from '../document/document'
import { partTarget } from '../edit/selection'
import { useSteering, type Steering } from '../edit/steering'
import { useStore, type Editor } from '../edit/store'
import { tellPart, type Part } from '../run/parts'

/** In words; empty when it is no part, or there is no step for it. */
export function tellingOf(
  store: Editor,
  steering: Steering,
  part: Part | null,
  id: string | null = part && partTarget(store, part),
): string {
  const plan = part && id !== null ? steering.planOf(part, id) : null
  return plan ? tellPart(plan, (step) => titleOf(store, step)) : ''
}

export interface PlannedMarks {
  /** Of the selected step, or of another; null takes the marks away. Not `spoken`: marks alone. */
  show(part: Part | null, id?: string, spoken?: boolean): void
}

export function usePlanned(): PlannedMarks {
  const store = useStore()
  const steering = useSteering()

  function show(part: Part | null, id?: string, spoken = true): void {
    const step = id ?? (part && partTarget(store, part))
    const plan = part && step ? steering.planOf(part, step) : null
    if (plan === null) {
      store.marks.planned.value = null
      return
    }
    const ids = new Set(plan.runs)
    // A container's body runs with it.
    for (const { node, scope } of places(store.definition.value).values())
      if (scope !== null && ids.has(scope)) ids.add(node.id)
    const told = spoken ? tellPart(plan, (one) => titleOf(store, one)) : ''
    store.marks.planned.value = { ids, told }
  }

  onBeforeUnmount(() => (store.marks.planned.value = null))
  return { show }
}

function titleOf(store: Editor, id: string): string {
  const node = store.node(id)
  return node ? store.titleOf(node) : id
}
