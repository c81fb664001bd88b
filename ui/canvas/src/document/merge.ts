/**
 * Merges two drawings that were made from one: what only one of them changed is taken over, what
 * both changed differently is a clash, for which a person chooses.
 */
import { rename } from '../edit/clipboard'
import { same, sameDrawing } from '../edit/same'
import type { Body, Definition, Edge, Group, JsonObject, Node } from '../seam'
import { freshEdgeId, freshId, places, usedIds, type Scope } from './document'
import { settleGroups } from './groups'
import {
  differences,
  edgeFrom,
  groupFrom,
  isLayout,
  itemsOf,
  keyOf,
  nodeFrom,
  noteFrom,
  propertiesOf,
  requiredOf,
  sameField,
  type Item,
  type Items,
  type Kind,
  type Place,
} from './items'

export type Side = 'mine' | 'theirs'
export type Choices = ReadonlyMap<string, Side>

export interface FieldChange {
  readonly name: string
  readonly mine: unknown
  readonly theirs: unknown
  /** Who changed it; both means a clash, or the same change twice. */
  readonly by: Side | 'both'
}

/** What became of one item on either side, and what is to be decided. */
export interface Change {
  readonly key: string
  readonly kind: Kind
  readonly id: string
  readonly mine: Item | null
  readonly theirs: Item | null
  readonly how: Readonly<Record<Side, 'added' | 'removed' | 'changed' | null>>
  readonly fields: readonly FieldChange[]
  readonly clash: boolean
  /** What is taken of a clash when nobody chooses: ours, but never a removal. */
  readonly usual: Side
}

export interface Merged {
  readonly definition: Definition
  readonly changes: readonly Change[]
  readonly clashes: readonly Change[]
}

/** Without `base`, the common ancestor, every difference is a clash and nothing is removed. */
export function merge(
  base: Definition | null,
  mine: Definition,
  theirs: Definition,
  choices: Choices = new Map(),
): Merged {
  const own = base === null ? mine : withOwnIds(base, mine, theirs)
  const [before, left, right] = [base && itemsOf(base), itemsOf(own), itemsOf(theirs)]
  const kept = new Map<string, Item>()
  const changes: Change[] = []
  for (const key of new Set([...left.keys(), ...right.keys(), ...(before?.keys() ?? [])])) {
    const [b, m, t] = [before?.get(key), left.get(key), right.get(key)]
    const change = changeOf(key, b, m, t, before === null)
    if (change !== null && change.kind !== 'edge') changes.push(change)
    const item = decide(change, m, t, choices.get(key) ?? change?.usual ?? 'mine')
    if (item !== null) kept.set(key, item)
  }
  bringBackContainers(kept, left, right)
  bringBackEdges(kept, before, left, right)
  const definition =
    base !== null && choices.size === 0 && sameDrawing(theirs, base)
      ? mine
      : base !== null && choices.size === 0 && sameDrawing(mine, base)
        ? theirs
        : build(kept, base ?? theirs, own, theirs)
  return { definition, changes, clashes: changes.filter(({ clash }) => clash) }
}

function changeOf(
  key: string,
  base: Item | undefined,
  mine: Item | undefined,
  theirs: Item | undefined,
  blind: boolean,
): Change | null {
  const any = mine ?? theirs ?? base!
  const how = {
    mine: blind ? blindly(mine, theirs) : howOf(base, mine),
    theirs: blind ? blindly(theirs, mine) : howOf(base, theirs),
  }
  if (how.mine === null && how.theirs === null) return null
  const fields = fieldsOf(base, mine, theirs, blind)
  const removed = how.mine === 'removed' || how.theirs === 'removed'
  const clash = removed
    ? !!(mine ?? theirs) && how.mine !== null && how.theirs !== null
    : fields.some((field) => isClash(field))
  const usual: Side = mine ? 'mine' : 'theirs'
  return {
    key, kind: any.kind, id: any.id, mine: mine ?? null, theirs: theirs ?? null, how, fields,
    clash: clash && any.kind !== 'edge' && any.kind !== 'group', usual,
  }
}

function howOf(base: Item | undefined, now: Item | undefined): Change['how'][Side] {
  if (base === undefined) return now === undefined ? null : 'added'
  if (now === undefined) return 'removed'
  return differences(base, now).length > 0 ? 'changed' : null
}

function blindly(own: Item | undefined, other: Item | undefined): Change['how'][Side] {
  if (own === undefined) return null
  if (other === undefined) return 'added'
  return differences(own, other).length > 0 ? 'changed' : null
}

function fieldsOf(
  base: Item | undefined,
  mine: Item | undefined,
  theirs: Item | undefined,
  blind: boolean,
): FieldChange[] {
  const [ours, others] = [
    new Set(mine && (blind ? differences(mine, theirs) : differences(base, mine))),
    new Set(theirs && (blind ? differences(mine, theirs) : differences(base, theirs))),
  ]
  return [...new Set([...ours, ...others])].map((name) => ({
    name,
    mine: mine?.fields[name],
    theirs: theirs?.fields[name],
    by: ours.has(name) ? (others.has(name) ? 'both' : 'mine') : 'theirs',
  }))
}

/** Where something is drawn is never worth a question: ours stays. */
export function isClash({ name, mine, theirs, by }: FieldChange): boolean {
  return by === 'both' && !sameField(name, mine, theirs) && !isLayout(name, mine, theirs)
}

function decide(
  change: Change | null,
  mine: Item | undefined,
  theirs: Item | undefined,
  side: Side,
): Item | null {
  if (change === null) return mine ?? null
  if (mine && theirs) {
    const fields: Record<string, unknown> = { ...mine.fields }
    for (const field of change.fields) {
      const other =
        field.by === 'theirs' || (isClash(field) && side === 'theirs' && change.kind !== 'group')
      if (!other) continue
      if (field.theirs === undefined) delete fields[field.name]
      else fields[field.name] = field.theirs
    }
    return { ...mine, fields }
  }
  if (change.clash) return (side === 'mine' ? mine : theirs) ?? null
  const removed = change.how.mine === 'removed' || change.how.theirs === 'removed'
  // A connection that one side led elsewhere stays, though the other took it away.
  if (removed && !(change.how.mine === 'changed' || change.how.theirs === 'changed')) return null
  return mine ?? theirs ?? null
}

/** Whoever stays needs the container around it, even where that was removed. */
function bringBackContainers(kept: Map<string, Item>, left: Items, right: Items): void {
  for (let lost = true; lost; ) {
    lost = false
    for (const item of [...kept.values()]) {
      if (item.kind === 'group') continue
      const scope = (item.fields['place'] as Place | undefined)?.scope ?? null
      if (scope === null) continue
      const key = keyOf('node', scope)
      const container = left.get(key) ?? right.get(key)
      if (kept.has(key) || container === undefined) continue
      kept.set(key, container)
      lost = true
    }
  }
}

/** A connection that went only because its step went comes back with the step. */
function bringBackEdges(
  kept: Map<string, Item>,
  before: Items | null,
  left: Items,
  right: Items,
): void {
  for (const key of before?.keys() ?? []) {
    if (!key.startsWith('edge:') || kept.has(key)) continue
    const [own, other] = [left.get(key), right.get(key)]
    const edge = own ?? other
    if (edge === undefined || (own && other)) continue
    const { source, target } = edge.fields['wire'] as Edge
    const gone = own ? right : left
    if (!gone.has(keyOf('node', source)) || !gone.has(keyOf('node', target))) kept.set(key, edge)
  }
}

function build(
  kept: ReadonlyMap<string, Item>,
  base: Definition,
  mine: Definition,
  theirs: Definition,
): Definition {
  const items = [...kept.values()]
  const nodes = new Map(items.filter(({ kind }) => kind === 'node').map((item) => [item.id, item]))
  const scopes = scopesOf(nodes, mine)
  const bodies = new Map<Scope, { nodes: Node[]; edges: Edge[] }>()
  const bodyOf = (scope: Scope): { nodes: Node[]; edges: Edge[] } => {
    const known = bodies.get(scope) ?? { nodes: [], edges: [] }
    bodies.set(scope, known)
    return known
  }
  for (const [id, { fields }] of nodes) bodyOf(scopes.get(id) ?? null).nodes.push(nodeFrom(fields, id))
  const drawn = new Set<string>()
  for (const { kind, id, fields } of items) {
    if (kind !== 'edge') continue
    const edge = edgeFrom(fields, id)
    const scope = scopes.get(edge.source)
    const wire = [edge.source, edge.source_port, edge.target, edge.target_port].join(' ')
    if (scope === undefined || scope !== scopes.get(edge.target) || drawn.has(wire)) continue
    drawn.add(wire)
    bodyOf(scope).edges.push(edge)
  }
  const groups = new Map<Scope, Group[]>()
  for (const { kind, id, fields } of items) {
    if (kind !== 'group') continue
    const { scope } = fields['place'] as Place
    groups.set(scope, [...(groups.get(scope) ?? []), groupFrom(fields, id)])
  }
  const filled = (scope: Scope): Body => {
    const { nodes: own, edges } = bodyOf(scope)
    const framed = groups.get(scope)
    return {
      nodes: own.map((node) => (node.body ? { ...node, body: filled(node.id) } : node)),
      edges,
      ...(framed ? { groups: framed } : {}),
    }
  }
  const notes = items.filter(({ kind }) => kind === 'note')
  const built: Definition = {
    ...besides(base, mine, theirs),
    inputs: inputsOf(items, base, mine, theirs),
    variables: Object.fromEntries(
      items.filter(({ kind }) => kind === 'variable').map(({ id, fields }) => [id, fields['value']]),
    ),
    ...filled(null),
    notes: notes.map(({ id, fields }) => noteFrom(fields, id)),
  }
  return settleGroups(built, built, null)
}

/** The container of each node; ours throughout when both sides together made a circle. */
function scopesOf(nodes: ReadonlyMap<string, Item>, mine: Definition): ReadonlyMap<string, Scope> {
  const scopes = new Map<string, Scope>()
  for (const [id, { fields }] of nodes) scopes.set(id, (fields['place'] as Place).scope)
  const reachesTop = (id: string): boolean => {
    const seen = new Set<string>()
    for (let at: Scope = id; at !== null; at = scopes.get(at) ?? null) {
      if (seen.has(at)) return false
      seen.add(at)
    }
    return true
  }
  if ([...scopes.keys()].every(reachesTop)) return scopes
  for (const [id, { scope }] of places(mine)) if (scopes.has(id)) scopes.set(id, scope)
  for (const id of scopes.keys()) if (!reachesTop(id)) scopes.set(id, null)
  return scopes
}

/** Members that are no items, whatever they are: each as a whole. */
function besides(base: Definition, mine: Definition, theirs: Definition): JsonObject {
  return threeWay(rest(base), rest(mine), rest(theirs))
}

function rest(definition: Definition): JsonObject {
  const { inputs: _i, variables: _v, nodes: _n, edges: _e, notes: _o, groups: _g, ...more } = definition
  return more
}

function threeWay(base: JsonObject, mine: JsonObject, theirs: JsonObject): JsonObject {
  const result: JsonObject = { ...mine }
  for (const name of new Set([...Object.keys(base), ...Object.keys(theirs)])) {
    if (!same(base[name], mine[name])) continue
    if (theirs[name] === undefined) delete result[name]
    else result[name] = theirs[name]
  }
  return result
}

function inputsOf(
  items: readonly Item[],
  base: Definition,
  mine: Definition,
  theirs: Definition,
): JsonObject {
  const keywords = ({ inputs = {} }: Definition): JsonObject => {
    const { properties: _p, required: _r, ...more } = inputs
    return more
  }
  const inputs = items.filter(({ kind }) => kind === 'input')
  const merged = threeWay(keywords(base), keywords(mine), keywords(theirs))
  const properties = Object.fromEntries(inputs.map(({ id, fields }) => [id, fields['schema']]))
  const required = inputs.filter(({ fields }) => fields['required']).map(({ id }) => id)
  const said = [mine, theirs].some(({ inputs: own }) => own && 'properties' in own)
  const listed = [mine, theirs].some((one) => requiredOf(one).length > 0 || (one.inputs && 'required' in one.inputs))
  return {
    ...merged,
    ...(said || Object.keys(propertiesOf(mine)).length > 0 ? { properties } : {}),
    ...(listed ? { required } : {}),
  }
}

/** Two tabs call their new steps alike: ours get other ids than theirs, and lose nothing. */
function withOwnIds(base: Definition, mine: Definition, theirs: Definition): Definition {
  const [before, left, right] = [itemsOf(base), itemsOf(mine), itemsOf(theirs)]
  const used = new Set([...usedIds(mine), ...usedIds(theirs)])
  const ids: Record<'node' | 'edge' | 'note' | 'group', Map<string, string>> = {
    node: new Map(),
    group: new Map(),
    edge: new Map(),
    note: new Map(),
  }
  for (const [key, { kind, id, fields }] of left) {
    const other = right.get(key)
    if (kind === 'input' || kind === 'variable' || !other || before.has(key)) continue
    const differ = differences({ kind, id, fields }, other)
    const wire = fields['wire'] as Edge | undefined
    const moved = wire && (ids.node.has(wire.source) || ids.node.has(wire.target))
    // Two groups with other members are two groups, though both are but layout.
    const own = kind === 'group' ? differ : differ.filter((name) => !isLayout(name, fields[name], other.fields[name]))
    if (!moved && own.length === 0) continue
    const fresh = kind === 'edge' ? freshEdgeId(used) : freshId(used, id)
    used.add(fresh)
    ids[kind].set(id, fresh)
  }
  if (Object.values(ids).every(({ size }) => size === 0)) return mine
  const called = (id: string): string => ids.node.get(id) ?? id
  const visit = <B extends Body>(body: B): B => ({
    ...body,
    ...(body.nodes && {
      nodes: body.nodes.map((node) => ({
        ...node,
        id: called(node.id),
        ...(node.params && { params: rename(node.params, ids.node) as JsonObject }),
        ...(node.body && { body: visit(node.body) }),
      })),
    }),
    ...(body.edges && {
      edges: body.edges.map((edge) => ({
        ...edge,
        id: ids.edge.get(edge.id) ?? edge.id,
        source: called(edge.source),
        target: called(edge.target),
      })),
    }),
    ...(body.groups && {
      groups: body.groups.map((group) => ({
        ...group,
        id: ids.group.get(group.id) ?? group.id,
        members: (group.members ?? []).map((id) => ids.note.get(id) ?? called(id)),
      })),
    }),
  })
  const named = visit(mine)
  return named.notes
    ? { ...named, notes: named.notes.map((note) => ({ ...note, id: ids.note.get(note.id) ?? note.id })) }
    : named
}
