/** Draws the editor's passing marks on the nodes as classes; only what changes is touched. */
import type { VueFlowStore } from '@vue-flow/core'
import { computed, watch, type Ref } from 'vue'
import type { Editor } from '../edit/store'
import './marking.css'

export function markNodes(
  flow: VueFlowStore,
  store: Editor,
  root: Readonly<Ref<HTMLElement | null>>,
): void {
  const { hits, current, planned } = store.marks
  const classOf = computed(() => {
    const [found, at, plan] = [hits.value, current.value, planned.value?.ids]
    return (id: string): string =>
      [
        found.has(id) ? 'wf-is-hit' : '',
        at === id ? 'wf-is-current' : '',
        plan?.has(id) ? 'wf-is-planned' : '',
      ]
        .filter(Boolean)
        .join(' ')
  })
  watch([classOf, () => flow.nodes.value.length], ([of]) => {
    for (const node of flow.nodes.value) {
      const wanted = of(node.id)
      if ((node.class ?? '') !== wanted) node.class = wanted
    }
  })
  watch(planned, (plan) => root.value?.classList.toggle('is-planning', plan !== null))
}
