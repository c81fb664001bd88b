/** How far the data of an earlier run still belongs to the drawing. */
import { edgesOf, places, sourcePort, targetPort } from '../document/document'
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

/** `changed`: it is set otherwise than then; `after`: something that it depends on is. */
export type Staleness = 'changed' | 'after'

/** The steps whose data of an earlier run may not be what they would give now. */
export function staleSteps(then: Definition, now: Definition): ReadonlyMap<string, Staleness> {
  const stale = new Map<string, Staleness>()
  const before = places(then)
  for (const id of changedSince(then, now)) stale.set(id, 'changed')
  const [wiredThen, wiredNow] = [arriving(then), arriving(now)]
  for (const id of places(now).keys())
    if (before.has(id) && (wiredThen.get(id) ?? '') !== (wiredNow.get(id) ?? '')) stale.set(id, 'changed')
  // New steps have no data, and what follows them had other data.
  const waiting = [...stale.keys(), ...[...places(now).keys()].filter((id) => !before.has(id))]
  const targets = new Map<string, string[]>()
  for (const { edge } of edgesOf(now))
    targets.set(edge.source, [...(targets.get(edge.source) ?? []), edge.target])
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const scope = places(now).get(id)?.scope
    for (const next of [...(targets.get(id) ?? []), ...(scope ? [scope] : [])]) {
      if (stale.has(next)) continue
      stale.set(next, 'after')
      waiting.push(next)
    }
  }
  return stale
}

/** What leads to each step, in words that can be compared. */
function arriving(definition: Definition): ReadonlyMap<string, string> {
  const lists = new Map<string, string[]>()
  for (const { edge } of edgesOf(definition))
    lists.set(edge.target, [
      ...(lists.get(edge.target) ?? []),
      `${edge.source}:${sourcePort(edge)}:${targetPort(edge)}`,
    ])
  return new Map([...lists].map(([id, list]) => [id, list.sort().join('\n')]))
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
