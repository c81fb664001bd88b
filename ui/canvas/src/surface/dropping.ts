/** New steps by the mouse: dropped from the palette, or asked for by a double click. */
import { sizeOf } from '../document/geometry'
import type { Editor } from '../edit/store'
import type { Position } from '../seam'

const MIME = 'application/x-heddle-node'

export interface Dropping {
  over(event: DragEvent): void
  drop(event: DragEvent): void
  doubleClicked(event: MouseEvent): void
}

export function dropping(store: Editor, toCanvas: (client: Position) => Position): Dropping {
  function over(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes(MIME) || store.readOnly.value) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
  }

  function drop(event: DragEvent): void {
    const type = event.dataTransfer?.getData(MIME)
    if (!type) return
    event.preventDefault()
    const edge = document
      .elementsFromPoint(event.clientX, event.clientY)
      .map((hit) => hit.closest<HTMLElement>('[data-edge-id]')?.dataset['edgeId'])
      .find((id) => id !== undefined)
    const spot = toCanvas({ x: event.clientX, y: event.clientY })
    const made = store.nodeTypes.value.get(type)
    const size = made
      ? sizeOf({ id: '', type, ...(made.container ? { body: {} } : {}) }, made)
      : { width: 224, height: 120 }
    const at = { x: spot.x - size.width / 2, y: spot.y - 26 }
    if (edge !== undefined) store.add(type, { edge })
    else store.add(type, { at })
    store.surface.value?.focus()
  }

  function doubleClicked(event: MouseEvent): void {
    const hit = event.target as HTMLElement
    if (store.readOnly.value || !hit.classList.contains('vue-flow__pane')) return
    const client = { x: event.clientX, y: event.clientY }
    store.quickAdd.value = { client, at: toCanvas(client) }
  }

  return { over, drop, doubleClicked }
}
