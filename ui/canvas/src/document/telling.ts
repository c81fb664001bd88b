/** A change between two drawings in words, with the values of either side. */
import { isMembers, stringify } from '../json'
import { same } from '../edit/same'
import type { Change, FieldChange, Side } from './merge'
import { MEMBER, type Place } from './items'

export interface Difference {
  readonly label: string
  readonly by: FieldChange['by']
  readonly mine: string
  readonly theirs: string
}

const LABELS: Readonly<Record<string, string>> = {
  name: 'Name',
  type: 'Type',
  text: 'Text',
  color: 'Colour',
  collapsed: 'Drawn as one card',
  size: 'Size',
  retry: 'Attempts',
  timeout_ms: 'Time limit',
  on_error: 'On error',
  disabled: 'Switched off',
  pinned: 'Pinned data',
  schema: 'Definition',
  required: 'Required',
  value: 'Value',
}

/** Settings are told one by one; moves within a container only when nothing else changed. */
export function differencesOf(change: Change): readonly Difference[] {
  const found = change.fields.flatMap((field) =>
    field.name === 'params' ? settingsOf(field) : [differenceOf(field)],
  )
  const telling = found.filter(({ label }) => label !== 'Position' && label !== 'Size')
  return telling.length > 0 ? telling : found
}

function differenceOf(field: FieldChange): Difference {
  const { name, mine, theirs, by } = field
  if (name.startsWith(MEMBER)) {
    const said = (side: unknown): string => (side ? 'in the group' : 'not in the group')
    return { label: name.slice(MEMBER.length), by, mine: said(mine), theirs: said(theirs) }
  }
  if (name !== 'place')
    return { label: LABELS[name] ?? name, by, mine: brief(mine), theirs: brief(theirs) }
  const [own, other] = [mine as Place | undefined, theirs as Place | undefined]
  if (own?.scope !== other?.scope)
    return { label: 'Container', by, mine: own?.scope ?? 'none', theirs: other?.scope ?? 'none' }
  return { label: 'Position', by, mine: placeText(own), theirs: placeText(other) }
}

function settingsOf({ mine, theirs, by }: FieldChange): Difference[] {
  const [own, other] = [isMembers(mine) ? mine : {}, isMembers(theirs) ? theirs : {}]
  return [...new Set([...Object.keys(own), ...Object.keys(other)])]
    .filter((name) => !same(own[name], other[name]))
    .map((name) => ({ label: name, by, mine: brief(own[name]), theirs: brief(other[name]) }))
}

function placeText(place: Place | undefined): string {
  const { x = 0, y = 0 } = place?.position ?? {}
  return `${String(Math.round(x))}, ${String(Math.round(y))}`
}

function brief(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'not set'
  const text = typeof value === 'string' ? value : stringify(value)
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

const DONE = { added: 'added', removed: 'removed', changed: 'changed' } as const

/** `You changed it; it was removed elsewhere.` */
export function saysWhat({ how }: Change): string {
  const told = (side: Side): string | null => how[side] && DONE[how[side]]
  const [own, other] = [told('mine'), told('theirs')]
  if (own !== null && own === other) return `${own} on both sides`
  return [own && `${own} by you`, other && `${other} elsewhere`].filter(Boolean).join(', ')
}

const NOUNS = {
  node: 'Step',
  note: 'Note',
  group: 'Group',
  edge: 'Connection', input: 'Input', variable: 'Variable' }

export function nounOf({ kind }: Change): string {
  return NOUNS[kind]
}
