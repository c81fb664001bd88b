/** What every drawn node needs: its document part, its type, its run state, how it is spoken of. */
import { computed, type ComputedRef, type ShallowRef } from 'vue'
import { useRun, type Node, type NodeRunState, type NodeType, type Problem } from '../seam'
import { useStore, plural, type Editor } from '../edit/store'
import { lookOfState } from '../surface/status'

export interface NodeView {
  readonly store: Editor
  readonly node: ComputedRef<Node | undefined>
  readonly type: ComputedRef<NodeType | undefined>
  readonly title: ComputedRef<string>
  readonly kind: ComputedRef<string>
  readonly category: ComputedRef<string>
  readonly icon: ComputedRef<string>
  readonly state: Readonly<ShallowRef<NodeRunState>>
  readonly problems: ComputedRef<readonly Problem[]>
  readonly label: ComputedRef<string>
}

const CATEGORIES = new Set(['flow', 'data', 'tables', 'ai', 'integration'])

/** The colour that a type has; `other` for types of plug-ins with a category of their own. */
export function categoryOf(type: NodeType | undefined): string {
  const given = type?.category ?? ''
  return CATEGORIES.has(given) ? given : 'other'
}

export function useNode(id: string): NodeView {
  const store = useStore()
  const state = useRun().node(id)
  const node = computed(() => store.node(id))
  const type = computed(() => (node.value ? store.typeOf(node.value) : undefined))
  const title = computed(() => (node.value ? store.titleOf(node.value) : ''))
  const kind = computed(() => type.value?.title ?? `Unknown type “${node.value?.type ?? ''}”`)
  const category = computed(() => categoryOf(type.value))
  const icon = computed(() => type.value?.icon ?? 'help_outline')
  const problems = computed(() => store.problemsOf(id))
  const label = computed(() => {
    const parts = [title.value, kind.value]
    const look = lookOfState(state.value)
    if (look) parts.push(look.label)
    if (node.value?.disabled) parts.push('switched off')
    if (node.value?.pinned) parts.push('data pinned')
    for (const side of ['before', 'after'] as const)
      if (store.breakpoints.has(id, side)) parts.push(`runs stop ${side} it`)
    if (type.value?.available === false) parts.push('not available')
    if (problems.value.length) parts.push(plural(problems.value.length, 'problem'))
    return parts.join(', ')
  })
  return { store, node, type, title, kind, category, icon, state, problems, label }
}
