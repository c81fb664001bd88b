/** F6 goes round the parts of the screen, and Escape leads from any of them back to the canvas. */
import type { Ref } from 'vue'
import type { Editor } from './store'

/** In the order in which F6 visits them: canvas, settings, run details, steps to add, tool bar. */
const REGIONS = [
  { at: '.wf-surface', first: null },
  { at: '.wf-inspector', first: '[role=tab][aria-selected=true]' },
  { at: '.wf-drawer', first: '[role=tab][tabindex="0"]' },
  { at: '.wf-palette', first: '[data-testid=palette-search]' },
  { at: '.wf-tools', first: null },
] as const

const FOCUSABLE = 'a[href], button, input, textarea, select, summary, [tabindex="0"]'

export interface RegionContext {
  readonly editor: Editor
  readonly root: Ref<HTMLElement | null>
  readonly canvas: Ref<HTMLElement | null>
}

/** Listens before all others, so that no part of the screen can keep the key to itself. */
export function f6Handler({ root, canvas }: RegionContext): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'F6' || event.altKey || event.ctrlKey || event.metaKey) return
    if ((event.target as HTMLElement).closest('dialog, .q-dialog')) return
    event.preventDefault()
    event.stopPropagation()
    const regions = REGIONS.flatMap(({ at, first }) => {
      const region = root.value?.querySelector<HTMLElement>(at)
      return region ? [{ region, first }] : []
    })
    const inside = document.activeElement
    // The tool bar lies on the canvas: the innermost counts.
    const from = regions.findLastIndex(({ region }) => region.contains(inside))
    const by = event.shiftKey ? -1 : 1
    const start = from < 0 && by < 0 ? 0 : from
    for (let step = 1; step <= regions.length; step++) {
      const next = regions[(start + by * step + regions.length * 2) % regions.length]
      if (next && enter(next.region, next.first, canvas.value)) return
    }
  }
}

/** False when nothing in it takes the focus, for instance because it is folded away. */
function enter(region: HTMLElement, first: string | null, canvas: HTMLElement | null): boolean {
  if (region === canvas) {
    region.focus({ preventScroll: true })
    return document.activeElement === region
  }
  const wished = first === null ? null : region.querySelector<HTMLElement>(first)
  for (const candidate of [wished, ...region.querySelectorAll<HTMLElement>(FOCUSABLE)]) {
    if (!candidate?.checkVisibility() || candidate.matches(':disabled')) continue
    candidate.focus()
    if (document.activeElement === candidate) return true
  }
  return false
}

/** Whether Escape was pressed beside the canvas, from where it leads back to the selected step. */
export function leaveForCanvas(event: KeyboardEvent, { editor, root, canvas }: RegionContext): boolean {
  const target = event.target as HTMLElement
  if (event.key !== 'Escape' || !root.value?.contains(target)) return false
  const toolbar = target.closest('.wf-tools') !== null
  if (target === canvas.value || (canvas.value?.contains(target) && !toolbar)) return false
  if (target.closest('dialog')) return false
  const id = editor.selection.value.at(-1)
  editor.surface.value?.focus()
  if (id !== undefined) editor.surface.value?.focusNode(id)
  return true
}
