/** Copy, paste and duplicate: a piece of a drawing as JSON, its ids made fresh where it lands. */
import { isMembers, parse, stringify } from '../json'
import { plainGeometry } from '../document/plain'
import { groupsOf, membersOf, withMembers } from '../document/groups'
import type { Definition, Edge, Group, Node, Note, Position } from '../seam'
import {
  addNote,
  addToScope,
  absolutePosition,
  bodyOf,
  freshEdgeId,
  freshId,
  mapScope,
  places,
  scopeOf,
  usedIds,
  ORIGIN,
  type Scope,
} from '../document/document'

const KIND = 'heddle/nodes'

export interface Clip {
  readonly kind: typeof KIND
  readonly version: 1
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
  readonly notes: readonly Note[]
  readonly groups: readonly Group[]
}

/** The nodes and notes with these ids, groups with all in them, and the edges among them. */
export function copy(definition: Definition, wanted: ReadonlySet<string>): Clip | null {
  const ids = withMembers(definition, wanted)
  const chosen = [...places(definition).values()].filter(({ node, scope }) => {
    if (!ids.has(node.id)) return false
    for (let at = scope; at !== null; at = scopeOf(definition, at)) if (ids.has(at)) return false
    return true
  })
  const notes = (definition.notes ?? []).filter((note) => ids.has(note.id))
  if (chosen.length === 0 && notes.length === 0) return null
  const kept = new Set(chosen.map(({ node }) => node.id))
  const scopes = new Set<Scope>(chosen.map(({ scope }) => scope))
  const edges = [...scopes].flatMap((scope) =>
    (bodyOf(definition, scope).edges ?? []).filter(
      (edge) => kept.has(edge.source) && kept.has(edge.target),
    ),
  )
  const nodes = chosen.map(({ node }) => ({
    ...node,
    position: absolutePosition(definition, node.id),
  }))
  const groups = [...groupsOf(definition).values()]
    .filter(({ group, scope }) => wanted.has(group.id) && scopes.has(scope))
    .map(({ group, scope }) => {
      const { x, y } = scope === null ? ORIGIN : absolutePosition(definition, scope)
      const at = group.position ?? ORIGIN
      return {
        ...group,
        members: membersOf(definition, group.id),
        position: { x: at.x + x, y: at.y + y },
      }
    })
  return { kind: KIND, version: 1, nodes, edges, notes, groups }
}

export function write(clip: Clip): string {
  return stringify(clip, 2)
}

/** A clip from clipboard text: ours, a whole definition, or null when it is neither. */
export function read(text: string): Clip | null {
  let value: unknown
  try {
    value = parse(text)
  } catch {
    return null
  }
  if (!isMembers(value)) return null
  const holder = isMembers(value['definition']) ? value['definition'] : value
  const drawn = {
    nodes: list(holder['nodes']).filter(isNode),
    notes: list(holder['notes']).filter(isNote),
    groups: list(holder['groups']).filter(isGroup),
  }
  const { nodes = [], notes = [], groups = [] } = plainGeometry(drawn)
  if (nodes.length === 0 && notes.length === 0) return null
  return { kind: KIND, version: 1, nodes, edges: list(holder['edges']).filter(isEdge), notes, groups }
}

export interface Pasted {
  readonly definition: Definition
  readonly ids: readonly string[]
  /** Nodes left out, in words: a second start, for instance. */
  readonly refused: readonly string[]
}

export interface PasteOptions {
  readonly scope: Scope
  /** Where the clip's top left corner goes, relative to the scope. */
  readonly at: Position
  readonly refuse?: (type: string) => string | null
}

export function paste(definition: Definition, clip: Clip, options: PasteOptions): Pasted {
  const used = usedIds(definition)
  const names = new Set([...places(definition).values()].map(({ node }) => node.name ?? ''))
  const renamed = new Map<string, string>()
  const refused: string[] = []
  const claim = (id: string): string => {
    const fresh = freshId(used, id)
    used.add(fresh)
    renamed.set(id, fresh)
    return fresh
  }
  const accepted = clip.nodes.filter((node) => {
    const reason = options.refuse?.(node.type) ?? null
    if (reason !== null) refused.push(reason)
    return reason === null
  })
  const claimAll = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      claim(node.id)
      claimAll(node.body?.nodes ?? [])
    }
  }
  claimAll(accepted)
  const corner = topLeft([...accepted, ...clip.notes, ...clip.groups])
  const place = (position: Position | undefined): Position => ({
    x: (position ?? ORIGIN).x - corner.x + options.at.x,
    y: (position ?? ORIGIN).y - corner.y + options.at.y,
  })
  const rewire = (edges: readonly Edge[]): Edge[] =>
    edges.flatMap((edge) => {
      const source = renamed.get(edge.source)
      const target = renamed.get(edge.target)
      if (source === undefined || target === undefined) return []
      const id = freshEdgeId(used)
      used.add(id)
      return [{ ...edge, id, source, target }]
    })
  const reframe = (group: Group, top: boolean): Group => ({
    ...group,
    id: claim(group.id),
    members: (group.members ?? []).flatMap((id) => renamed.get(id) ?? []),
    ...(top ? { position: place(group.position) } : {}),
  })
  const remake = (node: Node, top: boolean): Node => {
    const made: Record<string, unknown> = {
      ...node,
      id: renamed.get(node.id)!,
      params: rename(node.params ?? {}, renamed),
    }
    if (node.name) {
      made['name'] = top ? freshName(names, node.name) : node.name
      names.add(made['name'] as string)
    }
    if (top) made['position'] = place(node.position)
    if (node.body) {
      made['body'] = {
        ...node.body,
        nodes: (node.body.nodes ?? []).map((inner) => remake(inner, false)),
        edges: rewire(node.body.edges ?? []),
        ...(node.body.groups
          ? { groups: node.body.groups.map((group) => reframe(group, false)) }
          : {}),
      }
    }
    return made as unknown as Node
  }
  const nodes = accepted.map((node) => remake(node, true))
  let next = definition
  if (nodes.length) next = addToScope(next, options.scope, nodes, rewire(clip.edges))
  const noteIds: string[] = []
  for (const note of clip.notes) {
    const id = claim(note.id)
    noteIds.push(id)
    const origin = options.scope === null ? ORIGIN : absolutePosition(definition, options.scope)
    const { x, y } = place(note.position)
    next = addNote(next, { ...note, id, position: { x: x + origin.x, y: y + origin.y } })
  }
  const groups = clip.groups
    .map((group) => reframe(group, true))
    .filter(({ members }) => members && members.length > 0)
  if (groups.length) {
    next = mapScope(next, options.scope, (body) => ({
      ...body,
      groups: [...(body.groups ?? []), ...groups],
    }))
  }
  // Members come along with their group, and are not selected beside it.
  const framed = new Set(groups.flatMap(({ members }) => members ?? []))
  const ids = [...nodes.map((node) => node.id), ...noteIds].filter((id) => !framed.has(id))
  return { definition: next, ids: [...ids, ...groups.map((group) => group.id)], refused }
}

/** `Greet` → `Greet 2` → `Greet 3`. */
export function freshName(taken: ReadonlySet<string>, name: string): string {
  if (!taken.has(name)) return name
  const stem = name.replace(/ \d+$/, '')
  for (let n = 2; ; n++) if (!taken.has(`${stem} ${n}`)) return `${stem} ${n}`
}

/** Expressions follow the ids: `{{ steps.greet.text }}` → `{{ steps.greet_2.text }}`. */
export function rename(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return renameSteps(value, ids)
  if (Array.isArray(value)) return value.map((item) => rename(item, ids))
  if (!isMembers(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rename(item, ids)]))
}

export function renameSteps(text: string, ids: ReadonlyMap<string, string>): string {
  if (!text.includes('{{') && !text.includes('${')) return text
  return text
    .replace(/\bsteps\.([A-Za-z_]\w*)/g, (all, id: string) =>
      ids.has(id) ? `steps.${ids.get(id)!}` : all,
    )
    .replace(/\bsteps\[(['"])([^'"\]]+)\1\]/g, (all, quote: string, id: string) =>
      ids.has(id) ? `steps[${quote}${ids.get(id)!}${quote}]` : all,
    )
}

function topLeft(boxes: readonly (Node | Note | Group)[]): Position {
  const xs = boxes.map((box) => (box.position ?? ORIGIN).x)
  const ys = boxes.map((box) => (box.position ?? ORIGIN).y)
  return { x: Math.min(...xs), y: Math.min(...ys) }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function isNode(value: unknown): value is Node {
  if (!isMembers(value) || typeof value['id'] !== 'string' || typeof value['type'] !== 'string') {
    return false
  }
  const body = value['body']
  return (
    body === undefined || body === null || (isMembers(body) && list(body['nodes']).every(isNode))
  )
}

function isEdge(value: unknown): value is Edge {
  return (
    isMembers(value) && typeof value['source'] === 'string' && typeof value['target'] === 'string'
  )
}

function isGroup(value: unknown): value is Group {
  return (
    isMembers(value) &&
    typeof value['id'] === 'string' &&
    list(value['members']).every((id) => typeof id === 'string')
  )
}

function isNote(value: unknown): value is Note {
  return isMembers(value) && typeof value['id'] === 'string'
}
