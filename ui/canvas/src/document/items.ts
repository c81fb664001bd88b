/**
 * A drawing as items that can be compared one by one: steps, connections, notes, groups, inputs,
 * variables.
 */
import { sameMember, same } from '../edit/same'
import { isMembers } from '../json'
import type { Definition, Edge, Group, Node, Note } from '../seam'
import { edgesOf, groupsIn, places, sourcePort, targetPort, type Scope } from './document'

export type Kind = 'node' | 'edge' | 'note' | 'group' | 'input' | 'variable'

/** What the fields that stand for a group's members begin with. */
export const MEMBER = 'member:'

export interface Item {
  readonly kind: Kind
  readonly id: string
  /** What can be changed about it; a node's `place` is its container and its position there. */
  readonly fields: Readonly<Record<string, unknown>>
}

export type Items = ReadonlyMap<string, Item>

export function keyOf(kind: Kind, id: string): string {
  return `${kind}:${id}`
}

export interface Place {
  readonly scope: Scope
  readonly position: Node['position']
}

export function itemsOf(definition: Definition): Items {
  const items = new Map<string, Item>()
  const add = (kind: Kind, id: string, fields: Item['fields']): void =>
    void items.set(keyOf(kind, id), { kind, id, fields })
  for (const { node, scope } of places(definition).values()) {
    const { id, body, position, ...rest } = node
    add('node', id, { ...rest, place: { scope, position }, ...(body ? { container: true } : {}) })
  }
  for (const { edge } of edgesOf(definition)) {
    const { id, ...ends } = edge
    add('edge', id, {
      wire: { ...ends, source_port: sourcePort(edge), target_port: targetPort(edge) },
    })
  }
  for (const { id, position, ...rest } of definition.notes ?? [])
    add('note', id, { ...rest, place: { scope: null, position } })
  for (const { group, scope } of groupsIn(definition)) {
    const { id, position, members, ...rest } = group
    // Each member is a field of its own: two people may put different steps into one group.
    const inside = Object.fromEntries((members ?? []).map((member) => [MEMBER + member, true]))
    add('group', id, { ...rest, ...inside, place: { scope, position } })
  }
  const required = requiredOf(definition)
  for (const [name, schema] of Object.entries(propertiesOf(definition)))
    add('input', name, { schema, required: required.includes(name) })
  for (const [name, value] of Object.entries(definition.variables ?? {}))
    add('variable', name, { value })
  return items
}

export function propertiesOf(definition: Definition): Readonly<Record<string, unknown>> {
  const properties = definition.inputs?.['properties']
  return isMembers(properties) ? properties : {}
}

export function requiredOf(definition: Definition): readonly string[] {
  const required = definition.inputs?.['required']
  return Array.isArray(required) ? (required as string[]) : []
}

/** Where two items differ; all of it when one is missing. */
export function differences(a: Item | undefined, b: Item | undefined): readonly string[] {
  const names = new Set([...Object.keys(a?.fields ?? {}), ...Object.keys(b?.fields ?? {})])
  return [...names].filter((name) => !sameField(name, a?.fields[name], b?.fields[name]))
}

export function sameField(name: string, a: unknown, b: unknown): boolean {
  if (name === 'schema' || name === 'value' || name === 'wire') return same(a, b)
  if (name !== 'place') return sameMember(name, a, b)
  const [left, right] = [a as Place | undefined, b as Place | undefined]
  return (
    left?.scope === right?.scope && sameMember('position', left?.position, right?.position)
  )
}

/** Only where it is drawn differs: nothing that a run would notice. */
export function isLayout(name: string, a: unknown, b: unknown): boolean {
  if (name === 'size' || name === 'collapsed' || name.startsWith(MEMBER)) return true
  return name === 'place' && (a as Place | undefined)?.scope === (b as Place | undefined)?.scope
}

export function nodeFrom(fields: Item['fields'], id: string): Node {
  const { place, container, ...rest } = fields
  const { position } = place as Place
  return {
    id,
    ...rest,
    ...(position ? { position } : {}),
    ...(container ? { body: { nodes: [], edges: [] } } : {}),
  } as unknown as Node
}

export function noteFrom(fields: Item['fields'], id: string): Note {
  const { place, ...rest } = fields
  const { position } = place as Place
  return { id, ...rest, ...(position ? { position } : {}) }
}

export function groupFrom(fields: Item['fields'], id: string): Group {
  const { place, ...rest } = fields
  const { position } = place as Place
  const own = Object.entries(rest).filter(([name]) => !name.startsWith(MEMBER))
  const members = Object.keys(rest)
    .filter((name) => name.startsWith(MEMBER))
    .map((name) => name.slice(MEMBER.length))
  return { id, ...Object.fromEntries(own), members, ...(position ? { position } : {}) }
}

export function edgeFrom(fields: Item['fields'], id: string): Edge {
  return { id, ...(fields['wire'] as Omit<Edge, 'id'>) }
}
