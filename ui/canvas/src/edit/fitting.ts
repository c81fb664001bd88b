/** Which step types suit a waiting wire: what can be connected, and what its data is made for. */
import { placementRefusal } from '../document/connect'
import { edgesOf, nodeOf, scopeOf } from '../document/document'
import { outputPorts, type NodeTypes } from '../document/ports'
import type { Definition, Node, NodeType } from '../seam'
import type { Loose } from './place'
import { score, search } from './search'

export interface Waiting {
  readonly loose?: Loose | undefined
  readonly edge?: string | undefined
}

export interface Fitting {
  readonly type: NodeType
  /** Why a step of this type cannot be put there. */
  readonly refusal: string | null
}

/** Whether a step's output is a table, as far as a run has shown; undefined when none has. */
export type Seen = (id: string) => boolean | undefined

const TABLE_PARAMS = ['table', 'tables', 'left', 'content']
/** Of the table steps, those whose output is something else. */
const NO_TABLE = new Set(['chart', 'write_file'])

export function wantsTable(type: NodeType | undefined): boolean {
  const params = type?.params_schema.properties ?? {}
  return type?.category === 'tables' && TABLE_PARAMS.some((name) => name in params)
}

export function givesTable(type: NodeType | undefined): boolean {
  return type?.category === 'tables' && !NO_TABLE.has(type.type)
}

/** How much more a type counts that suits the data: less than a better word for it. */
const SUITS = 9

/**
 * Every type that the query finds: with no words, first those that suit the data; those that
 * cannot be connected come last, and only when they are asked for.
 */
export function fittingTypes(
  definition: Definition,
  types: NodeTypes,
  waiting: Waiting,
  query: string,
  seen: Seen = () => undefined,
): readonly Fitting[] {
  const ends = endsOf(definition, waiting)
  const anchor = ends.before ?? ends.after
  const scope = anchor ? scopeOf(definition, anchor.id) : null
  const all = search(types.values(), query).map((type) => ({
    type,
    refusal: refused(type, ends) ?? placementRefusal(definition, types, type.type, scope),
    suits: suits(type, ends, types, seen),
  }))
  const asked = query.trim() !== ''
  const points = new Map(
    all.map((one) => [one, (asked ? score(one.type, query) : 0) + (one.suits ? SUITS : 0)]),
  )
  const able = all.filter(({ refusal }) => refusal === null)
  able.sort((a, b) => (points.get(b) ?? 0) - (points.get(a) ?? 0))
  return asked ? [...able, ...all.filter(({ refusal }) => refusal !== null)] : able
}

interface Ends {
  /** The steps before and after the gap, where there are any. */
  readonly before: Node | undefined
  readonly after: Node | undefined
}

function endsOf(definition: Definition, { loose, edge }: Waiting): Ends {
  if (edge !== undefined) {
    const found = edgesOf(definition).find((one) => one.edge.id === edge)?.edge
    return {
      before: found && nodeOf(definition, found.source),
      after: found && nodeOf(definition, found.target),
    }
  }
  const node = loose && nodeOf(definition, loose.node)
  return loose?.side === 'target'
    ? { before: undefined, after: node }
    : { before: node, after: undefined }
}

function refused(type: NodeType, { before, after }: Ends): string | null {
  if (before && type.inputs.length === 0)
    return `“${type.title}” begins a path: nothing can lead into it.`
  const made: Node = { id: '', type: type.type, ...(type.container ? { body: {} } : {}) }
  if (after && outputPorts(made, type).length === 0)
    return `“${type.title}” ends its path: nothing can follow it.`
  return null
}

/** With nothing known on either side, every type is as good. */
function suits(type: NodeType, { before, after }: Ends, types: NodeTypes, seen: Seen): boolean {
  if (before) {
    const table = seen(before.id) ?? givesTable(types.get(before.type))
    if (table !== wantsTable(type)) return false
  }
  if (after && wantsTable(types.get(after.type))) return givesTable(type)
  return true
}
