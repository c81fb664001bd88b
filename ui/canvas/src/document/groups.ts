/**
 * Groups: named frames around steps and notes of one scope. A step is in one group at most, a frame
 * holds all its members, and a group without members is none: `settleGroups` sees to it.
 */
import type { Body, Definition, Group, Position, Size } from '../seam'
import {
  DEFAULT_NOTE_SIZE,
  ORIGIN,
  bodyOf,
  containersOf,
  freshId,
  groupsIn,
  mapScope,
  nodeOf,
  noteOf,
  places,
  scopeOf,
  usedIds,
  type Scope,
} from './document'
import { GRID, contains, sizeOf, type Rect } from './geometry'
import type { NodeTypes } from './ports'

export const GROUP_COLORS = ['blue', 'green', 'yellow', 'pink', 'purple', 'grey'] as const
export const DEFAULT_COLOR = 'blue'

/** The colour it is drawn in, whatever another program wrote. */
export function colorOf(group: Group | undefined): (typeof GROUP_COLORS)[number] {
  return GROUP_COLORS.find((one) => one === group?.color) ?? DEFAULT_COLOR
}

export const GROUP_HEADER = 36
export const GROUP_PAD = { left: 24, top: GROUP_HEADER + 12, right: 24, bottom: 24 } as const
/** A closed group. */
export const GROUP_CARD: Size = Object.freeze({ width: 240, height: 96 })
/** Where the wires across a closed group's border are joined to it. */
export const GROUP_PORT = 'group'
export const GROUP_MIN: Size = Object.freeze({ width: 160, height: 96 })
const DEFAULT_SIZE: Size = Object.freeze({ width: 320, height: 240 })

export interface PlacedGroup {
  readonly group: Group
  readonly scope: Scope
  /** Those of its members that are in its scope and in no group before it. */
  readonly members: readonly string[]
}

interface Index {
  readonly groups: ReadonlyMap<string, PlacedGroup>
  readonly owners: ReadonlyMap<string, string>
}

const NONE: Index = { groups: new Map(), owners: new Map() }
const indexes = new WeakMap<Definition, Index>()

function indexOf(definition: Definition): Index {
  const known = indexes.get(definition)
  if (known) return known
  const listed = groupsIn(definition)
  let index = NONE
  if (listed.length > 0) {
    const groups = new Map<string, PlacedGroup>()
    const owners = new Map<string, string>()
    for (const { group, scope } of listed) {
      if (groups.has(group.id)) continue
      const members = [...new Set(group.members ?? [])].filter(
        (id) => !owners.has(id) && liesIn(definition, id, scope),
      )
      for (const id of members) owners.set(id, group.id)
      groups.set(group.id, { group, scope, members })
    }
    index = { groups, owners }
  }
  indexes.set(definition, index)
  return index
}

function liesIn(definition: Definition, id: string, scope: Scope): boolean {
  if (nodeOf(definition, id)) return scopeOf(definition, id) === scope
  return scope === null && noteOf(definition, id) !== undefined
}

export function groupsOf(definition: Definition): ReadonlyMap<string, PlacedGroup> {
  return indexOf(definition).groups
}

/** The group that a step or note is a member of. */
export function ownerOf(definition: Definition, id: string): string | null {
  return indexOf(definition).owners.get(id) ?? null
}

export function membersOf(definition: Definition, id: string): readonly string[] {
  return groupsOf(definition).get(id)?.members ?? []
}

/** The ids, and the members of the groups among them. */
export function withMembers(definition: Definition, ids: Iterable<string>): Set<string> {
  const all = new Set(ids)
  for (const id of [...all]) for (const member of membersOf(definition, id)) all.add(member)
  return all
}

/** A step's or note's box, relative to its scope. */
function boxOf(definition: Definition, types: NodeTypes, id: string): Rect | null {
  const node = nodeOf(definition, id)
  if (node) return { ...(node.position ?? ORIGIN), ...sizeOf(node, types.get(node.type)) }
  const note = noteOf(definition, id)
  return note ? { ...(note.position ?? ORIGIN), ...(note.size ?? DEFAULT_NOTE_SIZE) } : null
}

/** The least frame around these, or null around nothing. */
export function frameAround(
  definition: Definition,
  types: NodeTypes,
  ids: Iterable<string>,
): Rect | null {
  const boxes = [...ids].flatMap((id) => boxOf(definition, types, id) ?? [])
  if (boxes.length === 0) return null
  const left = Math.min(...boxes.map(({ x }) => x)) - GROUP_PAD.left
  const top = Math.min(...boxes.map(({ y }) => y)) - GROUP_PAD.top
  const right = Math.max(...boxes.map(({ x, width }) => x + width)) + GROUP_PAD.right
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height)) + GROUP_PAD.bottom
  return onGrid(left, top, right, bottom)
}

function onGrid(left: number, top: number, right: number, bottom: number): Rect {
  const [x, y] = [Math.floor(left / GRID) * GRID, Math.floor(top / GRID) * GRID]
  return {
    x,
    y,
    width: Math.ceil((right - x) / GRID) * GRID,
    height: Math.ceil((bottom - y) / GRID) * GRID,
  }
}

/** Where a group's frame is drawn, relative to its scope: never smaller than its members need. */
export function frameOf(definition: Definition, types: NodeTypes, id: string): Rect {
  const placed = groupsOf(definition).get(id)
  const own = { ...(placed?.group.position ?? ORIGIN), ...(placed?.group.size ?? DEFAULT_SIZE) }
  const needed = frameAround(definition, types, placed?.members ?? [])
  return needed === null || holds(own, needed) ? own : union(own, needed)
}

function holds(outer: Rect, inner: Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  )
}

function union(a: Rect, b: Rect): Rect {
  return onGrid(
    Math.min(a.x, b.x),
    Math.min(a.y, b.y),
    Math.max(a.x + a.width, b.x + b.width),
    Math.max(a.y + a.height, b.y + b.height),
  )
}

// ---- changing ----------------------------------------------------------------------------------

export function patchGroup(
  definition: Definition,
  id: string,
  patch: Partial<Omit<Group, 'id'>>,
): Definition {
  const placed = groupsOf(definition).get(id)
  if (!placed) return definition
  const { group: now } = placed
  if ((Object.keys(patch) as (keyof typeof patch)[]).every((key) => now[key] === patch[key]))
    return definition
  return mapScope(definition, placed.scope, (body) => ({
    ...body,
    groups: (body.groups ?? []).map((group) => (group.id === id ? { ...group, ...patch } : group)),
  }))
}

/** The frames go; what was in them stays where it is. */
export function dissolve(definition: Definition, ids: ReadonlySet<string>): Definition {
  return mapGroups(definition, (group) => (ids.has(group.id) ? null : group))
}

export type Grouping =
  | { readonly definition: Definition; readonly id: string }
  | { readonly reason: string }

interface Gathered {
  readonly members: readonly string[]
  readonly scope: Scope
}

/** What a group of these would hold, else why there can be none. */
function gather(
  definition: Definition,
  wanted: Iterable<string>,
): Gathered | { readonly reason: string } {
  const ids = [...withMembers(definition, wanted)].filter(
    (id) => nodeOf(definition, id) || noteOf(definition, id),
  )
  const chosen = new Set(ids)
  const members = ids.filter(
    (id) => !containersOf(definition, id).some((container) => chosen.has(container)),
  )
  if (members.length === 0) return { reason: 'Select the steps to group first.' }
  const scopes = new Set(
    members.map((id) => (noteOf(definition, id) ? null : scopeOf(definition, id))),
  )
  if (scopes.size > 1) {
    return {
      reason: 'These steps lie in different loops. Group the steps of one loop, or whole loops.',
    }
  }
  const [scope = null] = scopes
  return { members, scope }
}

/** Null when these can be grouped. */
export function groupingRefusal(definition: Definition, wanted: Iterable<string>): string | null {
  const gathered = gather(definition, wanted)
  return 'reason' in gathered ? gathered.reason : null
}

/** A new group of these steps and notes, which leave the groups they were in. */
export function makeGroup(
  definition: Definition,
  types: NodeTypes,
  wanted: Iterable<string>,
): Grouping {
  const gathered = gather(definition, wanted)
  if ('reason' in gathered) return gathered
  const { members, scope } = gathered
  const frame = frameAround(definition, types, members)!
  const names = new Set([...groupsOf(definition).values()].map(({ group }) => group.name ?? ''))
  const id = freshId(usedIds(definition), 'group')
  const group: Group = {
    id,
    name: freshGroupName(names),
    color: DEFAULT_COLOR,
    members,
    position: { x: frame.x, y: frame.y },
    size: { width: frame.width, height: frame.height },
  }
  const joined = new Set(members)
  const left = mapGroups(definition, (one) => without(one, joined))
  return {
    definition: mapScope(left, scope, (body) => ({
      ...body,
      groups: [...(body.groups ?? []), group],
    })),
    id,
  }
}

function freshGroupName(taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? 'Group' : `Group ${n}`
    if (!taken.has(name)) return name
  }
}

function without(group: Group, ids: ReadonlySet<string>): Group | null {
  const kept = (group.members ?? []).filter((id) => !ids.has(id))
  if (kept.length === (group.members ?? []).length) return group
  return kept.length > 0 ? { ...group, members: kept } : null
}

/** What lies in the middle of an open frame joins it, what was taken out of its frame leaves it. */
export function regroup(
  definition: Definition,
  types: NodeTypes,
  ids: readonly string[],
  frames: ReadonlyMap<string, Rect>,
): Definition {
  if (groupsOf(definition).size === 0) return definition
  const target = new Map<string, string | null>()
  for (const id of ids) {
    const box = boxOf(definition, types, id)
    if (!box) continue
    const scope = nodeOf(definition, id) ? scopeOf(definition, id) : null
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
    let found: string | null = null
    for (const [groupId, frame] of frames) {
      const placed = groupsOf(definition).get(groupId)
      if (placed?.scope === scope && contains(frame, middle)) found = groupId
    }
    if (found !== ownerOf(definition, id)) target.set(id, found)
  }
  if (target.size === 0) return definition
  const moved = new Set(target.keys())
  return mapGroups(definition, (group) => {
    const joined = [...target].filter(([, at]) => at === group.id).map(([id]) => id)
    const left = without(group, moved)
    if (joined.length === 0) return left
    return { ...(left ?? group), members: [...(left?.members ?? []), ...joined] }
  })
}

/** The frames that steps may be dropped into. */
export function openFrames(
  definition: Definition,
  types: NodeTypes,
  isOpen: (id: string) => boolean,
  except: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, Rect> {
  const frames = new Map<string, Rect>()
  for (const id of groupsOf(definition).keys()) {
    if (!except.has(id) && isOpen(id)) frames.set(id, frameOf(definition, types, id))
  }
  return frames
}

/** After any change: members that went are forgotten, and frames go along with their members. */
export function settleGroups(
  before: Definition,
  after: Definition,
  types: NodeTypes | null,
): Definition {
  if (groupsIn(after).length === 0) return after
  const index = groupsOf(after)
  const seen = new Set<string>()
  return mapGroups(after, (group) => {
    const placed = index.get(group.id)
    if (!placed || seen.has(group.id) || placed.members.length === 0) return null
    seen.add(group.id)
    const same = placed.members.length === (group.members ?? []).length
    let next: Group = same ? group : { ...group, members: placed.members }
    if (types === null) return next
    const by = carried(before, after, next)
    if (by) next = { ...next, position: shifted(next.position ?? ORIGIN, by) }
    const own = { ...(next.position ?? ORIGIN), ...(next.size ?? DEFAULT_SIZE) }
    const needed = frameAround(after, types, placed.members)
    if (needed === null || holds(own, needed)) return next
    const { x, y, width, height } = union(own, needed)
    return { ...next, position: { x, y }, size: { width, height } }
  })
}

/** How far all members moved alike while the frame did not. */
function carried(before: Definition, after: Definition, group: Group): Position | null {
  const was = groupsOf(before).get(group.id)?.group
  if (!was || before === after) return null
  const [old, now] = [was.position ?? ORIGIN, group.position ?? ORIGIN]
  if (old.x !== now.x || old.y !== now.y) return null
  let by: Position | null = null
  for (const id of group.members ?? []) {
    const [from, to] = [positionOf(before, id), positionOf(after, id)]
    if (!from || !to) return null
    const moved = { x: to.x - from.x, y: to.y - from.y }
    if (by && (by.x !== moved.x || by.y !== moved.y)) return null
    by = moved
  }
  return by && (by.x !== 0 || by.y !== 0) ? by : null
}

export function positionOf(definition: Definition, id: string): Position | null {
  const item = nodeOf(definition, id) ?? noteOf(definition, id)
  return item ? (item.position ?? ORIGIN) : null
}

export function shifted(at: Position, by: Position): Position {
  return { x: at.x + by.x, y: at.y + by.y }
}

/** Every group changed or taken away; what has none is shared. */
function mapGroups(
  definition: Definition,
  change: (group: Group) => Group | null,
): Definition {
  const scopes: Scope[] = [null, ...[...places(definition).values()].map(({ node }) => node.id)]
  let next = definition
  for (const scope of scopes) {
    const groups = bodyOf(definition, scope).groups ?? []
    if (groups.length === 0) continue
    const changed = groups.flatMap((group) => change(group) ?? [])
    if (changed.length === groups.length && changed.every((one, at) => one === groups[at])) continue
    next = mapScope(next, scope, (body: Body) => ({ ...body, groups: changed }))
  }
  return next
}
