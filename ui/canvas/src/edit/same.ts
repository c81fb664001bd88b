/** Whether two drawings are the same, whoever wrote their defaults out. */
import { ExactNumber, isMembers, isNumber } from '../json'
import type { Definition } from '../seam'

/** What the server leaves out of a node or a note because it says nothing. */
const SILENT: Readonly<Record<string, unknown>> = {
  name: '',
  params: {},
  position: { x: 0, y: 0 },
  size: null,
  retry: { max_attempts: 1, delay_ms: 500, multiplier: 2 },
  timeout_ms: null,
  on_error: 'fail',
  disabled: false,
  pinned: null,
  body: null,
  text: '',
  color: 'yellow',
  source_port: 'out',
  target_port: 'in',
}

export function sameDrawing(a: Definition, b: Definition): boolean {
  return a === b || same(normal(a), normal(b))
}

/** Equal JSON, whatever the order of keys; an undefined member is no member. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof ExactNumber || b instanceof ExactNumber)
    return isNumber(a) && isNumber(b) && String(a) === String(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((value, index) => same(value, b[index]))
    )
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...keys].every((key) => same(left[key], right[key]))
}

/** Whether two nodes or notes say the same in one member, written out or left out. */
export function sameMember(name: string, a: unknown, b: unknown): boolean {
  return same(spoken(name, a), spoken(name, b))
}

function spoken(name: string, value: unknown): unknown {
  if (value === undefined) return SILENT[name]
  return name === 'retry' && isMembers(value) ? { ...(SILENT['retry'] as object), ...value } : value
}

function normal(definition: Definition): unknown {
  return {
    inputs: definition.inputs ?? {},
    variables: definition.variables ?? {},
    notes: (definition.notes ?? []).map((note) =>
      sparse({ size: { width: 240, height: 120 } }, note),
    ),
    ...normalBody(definition),
  }
}

const SILENT_GROUP = {
  color: 'blue',
  members: [],
  collapsed: false,
  size: { width: 320, height: 240 },
}

function normalBody(body: Pick<Definition, 'nodes' | 'edges' | 'groups'>): object {
  return {
    groups: (body.groups ?? []).map((group) => sparse(SILENT_GROUP, group)),
    nodes: (body.nodes ?? []).map((node) => {
      const kept = sparse({}, node)
      if (node.retry) kept['retry'] = sparse(SILENT['retry'] as object, node.retry)
      if (node.retry && same(kept['retry'], {})) delete kept['retry']
      if (node.body) kept['body'] = normalBody(node.body)
      return kept
    }),
    edges: (body.edges ?? []).map((edge) => sparse({}, edge)),
  }
}

function sparse(silent: object, value: object): Record<string, unknown> {
  const quiet: Record<string, unknown> = { ...SILENT, ...silent }
  return Object.fromEntries(
    Object.entries(value).filter(([key, item]) => !(key in quiet && same(item, quiet[key]))),
  )
}
