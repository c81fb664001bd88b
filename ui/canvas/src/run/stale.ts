/** How far the data of an earlier run still belongs to the drawing. */
import { places } from '../document/document'
import { differences, isLayout, itemsOf } from '../document/items'
import type { Definition } from '../seam'

/** Steps that run otherwise than they did then; new ones have no data that could mislead. */
export function changedSince(then: Definition, now: Definition): readonly string[] {
  const [before, present] = [itemsOf(then), itemsOf(now)]
  return [...places(now).keys()].filter((id) => {
    const [old, item] = [before.get(`node:${id}`), present.get(`node:${id}`)]
    if (!old || !item) return false
    return differences(old, item).some(
      (name) => name !== 'name' && !isLayout(name, old.fields[name], item.fields[name]),
    )
  })
}

/** `just now`, `2 min ago`, `3 h ago`, `5 days ago`. */
export function timeAgo(at: string | null, now: number): string {
  const seconds = at === null ? NaN : (now - Date.parse(at)) / 1000
  if (Number.isNaN(seconds)) return 'before'
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min ago`
  if (seconds < 172_800) return `${String(Math.floor(seconds / 3600))} h ago`
  return `${String(Math.floor(seconds / 86_400))} days ago`
}
