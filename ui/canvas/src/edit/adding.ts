/** Adding a step without saying where: into the selected connection, after the selected step, here. */
import type { NodeType } from '../seam'
import { edgesOf } from '../document/document'
import type { Editor } from './store'

/** The new step's id, wired to what is selected; null when it may not be placed. */
export function addHere(store: Editor, type: NodeType): string | null {
  const edge = selectedEdge(store)
  const between = type.inputs.length > 0 && (type.outputs.length > 0 || Boolean(type.outputs_from))
  const loose = type.inputs.length > 0 ? store.looseEnd() : undefined
  const wish = edge !== undefined && between ? { edge } : loose ? { loose } : {}
  const id = store.add(type.type, wish)
  if (id !== null) store.surface.value?.centre(id)
  return id
}

function selectedEdge(store: Editor): string | undefined {
  const [only, ...more] = store.selected.value
  if (only === undefined || more.length) return undefined
  return edgesOf(store.definition.value).find(({ edge }) => edge.id === only)?.edge.id
}
