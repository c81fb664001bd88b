/** Finding node types by a few letters, grouped as the palette shows them. */
import type { NodeType } from '../seam'
import { match } from './matching'

const ORDER = ['flow', 'data', 'tables', 'ai', 'integration']
const TITLES: Readonly<Record<string, string>> = {
  flow: 'Flow',
  data: 'Data',
  tables: 'Tables and files',
  ai: 'AI',
  integration: 'Integration',
}

export interface Group {
  readonly category: string
  readonly title: string
  readonly types: readonly NodeType[]
}

export function categoryTitle(category: string): string {
  return TITLES[category] ?? category.charAt(0).toUpperCase() + category.slice(1)
}

/** Higher is better, 0 is no match: titles beat synonyms, and those beat letters in order. */
export function score(type: NodeType, query: string): number {
  const found = match(query, type.title, `${type.type} ${(type.keywords ?? []).join(' ')}`)
  if (found) return found.points
  return type.description.toLowerCase().includes(query.trim().toLowerCase()) ? 1 : 0
}

export function search(types: Iterable<NodeType>, query: string): NodeType[] {
  return [...types]
    .map((type) => ({ type, points: score(type, query) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || compare(a.type, b.type))
    .map(({ type }) => type)
}

export function grouped(types: Iterable<NodeType>, query: string): Group[] {
  const found = new Map<string, NodeType[]>()
  for (const type of search(types, query)) {
    const known = found.get(type.category)
    if (known) known.push(type)
    else found.set(type.category, [type])
  }
  return [...found]
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
    .map(([category, group]) => ({ category, title: categoryTitle(category), types: group }))
}

function compare(a: NodeType, b: NodeType): number {
  return rank(a.category) - rank(b.category) || a.title.localeCompare(b.title)
}

function rank(category: string): number {
  const index = ORDER.indexOf(category)
  return index < 0 ? ORDER.length : index
}
