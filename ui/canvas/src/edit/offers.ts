/** What the command palette offers: every action, step type, step, page and workflow. */
import { placementRefusal } from '../document/connect'
import { places } from '../document/document'
import { parse, stringify } from '../json'
import { ACTIONS, type Listed } from './actions'
import type { Destination } from './destinations'
import { hindrance, partOf, type Situation } from './hindrance'
import { capsOf } from './keyboard'
import { match, type Match } from './matching'
import { partTarget } from './selection'
import { tellPart } from '../run/parts'

export type Kind = 'do' | 'add' | 'go' | 'open'

export interface Offer {
  /** The same for the same thing at another time, so that it can be remembered. */
  readonly key: string
  readonly kind: Kind
  readonly title: string
  readonly note: string
  readonly words: string
  readonly icon: string
  readonly category?: string
  readonly caps: string
  /** Why it cannot be done now. */
  readonly refusal: string | null
  take(): void
}

export interface Found extends Offer {
  readonly match: Match
}

export interface Group {
  readonly title: string
  readonly offers: readonly Found[]
}

export interface Does {
  command(command: Listed): void
  add(type: string): void
  go(id: string): void
}

export function actionOffers(situation: Situation, does: Does): Offer[] {
  const { editor, steering } = situation
  const titleOf = (id: string): string => {
    const node = editor.node(id)
    return node ? editor.titleOf(node) : id
  }
  return (Object.keys(ACTIONS) as Listed[]).map((command) => {
    const { label, icon, words = '' } = ACTIONS[command]
    const part = partOf(command)
    const target = part === null ? null : partTarget(editor, part)
    const plan = part && target !== null ? steering.planOf(part, target) : null
    return {
      key: `do:${command}`,
      kind: 'do',
      title: label,
      note: plan ? tellPart(plan, titleOf) : '',
      words,
      icon,
      caps: capsOf(command),
      refusal: hindrance(command, situation),
      take: () => does.command(command),
    }
  })
}

export function stepOffers({ editor }: Situation, does: Does): Offer[] {
  const definition = editor.definition.value
  const types = editor.nodeTypes.value
  const offers: Offer[] = []
  for (const { node, scope } of places(definition).values()) {
    const type = types.get(node.type)
    const outer = scope === null ? undefined : editor.node(scope)
    offers.push({
      key: `go:${editor.workflowId}:${node.id}`,
      kind: 'go',
      title: `Go to ${editor.titleOf(node)}`,
      note: [type?.title ?? node.type, outer && `in ${editor.titleOf(outer)}`]
        .filter(Boolean)
        .join(' · '),
      words: `step node find select ${node.id} ${type?.title ?? ''} ${node.type}`,
      icon: type?.icon ?? 'help_outline',
      category: type?.category ?? 'other',
      caps: '',
      refusal: null,
      take: () => does.go(node.id),
    })
  }
  return offers
}

export function typeOffers({ editor }: Situation, does: Does): Offer[] {
  if (editor.readOnly.value) return []
  const definition = editor.definition.value
  const types = editor.nodeTypes.value
  return [...types.values()].map((type) => ({
    key: `add:${type.type}`,
    kind: 'add',
    title: `Add ${type.title}`,
    note: type.description.split('\n')[0] ?? '',
    words: `step node new insert ${type.type} ${(type.keywords ?? []).join(' ')}`,
    icon: type.icon,
    category: type.category,
    caps: '',
    refusal: placementRefusal(definition, types, type.type, null),
    take: () => does.add(type.type),
  }))
}

export function openOffers(destinations: readonly Destination[], note: string): Offer[] {
  return destinations.map(({ key, title, icon, words, open }) => ({
    key,
    kind: 'open',
    title,
    note,
    words,
    icon,
    caps: '',
    refusal: null,
    take: open,
  }))
}

const MOST = 60
const RECENT = 5
/** What cannot be done now comes after what can, when both match alike. */
const HINDERED = 50
const REMEMBERED = 8

/** Without a query by kind, what was used last first; with one, the best first. */
export function arrange(
  offers: readonly Offer[],
  query: string,
  recent: readonly string[],
): readonly Group[] {
  const wanted = query.trim()
  if (wanted === '') return byKind(offers, recent)
  const found = offers.flatMap((offer): (Found & { points: number })[] => {
    const hit = match(wanted, offer.title, offer.words)
    if (hit === null) return []
    const used = recent.indexOf(offer.key)
    const points =
      hit.points + (used < 0 ? 0 : REMEMBERED - used) - (offer.refusal === null ? 0 : HINDERED)
    return [{ ...offer, match: hit, points }]
  })
  found.sort((a, b) => b.points - a.points)
  return found.length ? [{ title: '', offers: found.slice(0, MOST) }] : []
}

function byKind(offers: readonly Offer[], recent: readonly string[]): readonly Group[] {
  const whole = { points: 1, spans: [] }
  const known = new Map(offers.map((offer) => [offer.key, offer]))
  const last = recent
    .flatMap((key) => known.get(key) ?? [])
    .filter(({ refusal }) => refusal === null)
    .slice(0, RECENT)
  const used = new Set(last.map(({ key }) => key))
  const of = (kind: Kind): Offer[] =>
    offers.filter((offer) => offer.kind === kind && !used.has(offer.key))
  const actions = of('do')
  const groups = [
    { title: 'Used last', offers: last },
    {
      title: 'Actions',
      offers: [
        ...actions.filter(({ refusal }) => refusal === null),
        ...actions.filter(({ refusal }) => refusal !== null),
      ],
    },
    { title: 'Go to a step', offers: of('go').slice(0, MOST) },
    { title: 'Add a step', offers: of('add') },
    { title: 'Open', offers: of('open') },
  ]
  return groups
    .filter((group) => group.offers.length)
    .map(({ title, offers: some }) => ({
      title,
      offers: some.map((offer) => ({ ...offer, match: whole })),
    }))
}

const KEPT = 'heddle:commands'

export function recentKeys(): readonly string[] {
  try {
    const value: unknown = parse(localStorage.getItem(KEPT) ?? '[]')
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

export function remember(key: string): void {
  try {
    const next = [key, ...recentKeys().filter((one) => one !== key)].slice(0, REMEMBERED)
    localStorage.setItem(KEPT, stringify(next))
  } catch {
    // A forbidden store only costs the memory of what was used last.
  }
}
