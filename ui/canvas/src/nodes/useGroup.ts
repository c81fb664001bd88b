/** What a drawn group needs: its name, colour and steps, how their run stands, what is wrong inside. */
import { computed, type ComputedRef } from 'vue'
import { places } from '../document/document'
import { colorOf, type PlacedGroup } from '../document/groups'
import { plural, useStore, type Editor } from '../edit/store'
import { nameOf } from '../edit/groups'
import { useRun, type Problem } from '../seam'
import { lookOf, statusOfGroup, type GroupStatus } from '../surface/status'

export interface GroupView {
  readonly store: Editor
  readonly placed: ComputedRef<PlacedGroup | undefined>
  readonly name: ComputedRef<string>
  readonly color: ComputedRef<string>
  readonly steps: ComputedRef<readonly string[]>
  readonly state: ComputedRef<GroupStatus>
  /** `3 of 5 completed`; nothing before a run. */
  readonly progress: ComputedRef<string>
  /** Those of its steps, the steps in loops included. */
  readonly problems: ComputedRef<readonly Problem[]>
  readonly label: ComputedRef<string>
}

export function useGroup(id: string): GroupView {
  const store = useStore()
  const run = useRun()
  const placed = computed(() => store.group(id))
  const name = computed(() => nameOf(store, id))
  const color = computed(() => colorOf(placed.value?.group))
  const steps = computed(() => (placed.value?.members ?? []).filter((one) => store.node(one)))
  const state = computed(() => statusOfGroup(steps.value.map((one) => run.node(one).value.status)))
  const progress = computed(() => {
    const said = lookOf(state.value.status)?.label.toLowerCase()
    if (said === undefined) return ''
    return `${String(state.value.count)} of ${String(steps.value.length)} ${said}`
  })
  const problems = computed(() => {
    if (store.problems.value.length === 0) return []
    const inside = new Set(steps.value)
    // A container comes before what is in it.
    for (const [node, { scope }] of places(store.definition.value))
      if (scope !== null && inside.has(scope)) inside.add(node)
    return store.problems.value.filter(({ node_id }) => node_id && inside.has(node_id))
  })
  const label = computed(() => {
    const parts = [`Group ${name.value}`, plural(steps.value.length, 'step')]
    if (progress.value !== '') parts.push(progress.value)
    if (problems.value.length) parts.push(plural(problems.value.length, 'problem'))
    return parts.join(', ')
  })
  return { store, placed, name, color, steps, state, progress, problems, label }
}
