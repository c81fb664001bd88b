/** Gives a step another id, and rewrites all that refers to it: wires, groups, expressions. */
import { isMembers } from '../json'
import type { Body, Definition, Node, NodeType } from '../seam'
import { places } from './document'

type Types = ReadonlyMap<string, NodeType>

/** A readable id for a name: `Größe in Stück` → `grosse_in_stuck`; empty when nothing is left. */
export function idFor(name: string): string {
  const plain = name.replace(/ß/g, 'ss').normalize('NFKD').replace(/[\u0300-\u036f]/g, '')
  const id = plain.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 48)
  return /^\d/.test(id) ? `n${id}` : id
}

/** Whether an id still is the one that was made from a type or a name, a number behind it included. */
export function follows(id: string, source: string): boolean {
  return source !== '' && (id === source || (id.startsWith(`${source}_`) && /^\d+$/.test(id.slice(source.length + 1))))
}

/** The ids of the steps whose expressions read this one. */
export function readersOf(definition: Definition, types: Types, id: string): readonly string[] {
  return [...places(definition).values()]
    .filter(({ node }) => paramsWith(node, types, id, `${id}_`, comesAlong(definition, node, id)) !== node.params)
    .map(({ node }) => node.id)
}

export function withId(definition: Definition, types: Types, id: string, to: string): Definition {
  const body = <T extends Body>(graph: T): T => {
    const edges = graph.edges?.map((edge) =>
      edge.source === id || edge.target === id
        ? { ...edge, source: edge.source === id ? to : edge.source, target: edge.target === id ? to : edge.target }
        : edge,
    )
    const nodes = graph.nodes?.map((node) => changed(node))
    return { ...graph, ...(nodes ? { nodes } : {}), ...(edges ? { edges } : {}), ...grouped(graph) }
  }
  const changed = (node: Node): Node => {
    const params = paramsWith(node, types, id, to, comesAlong(definition, node, id))
    const inside = node.body ? body(node.body) : node.body
    if (node.id !== id && params === node.params && !node.body) return node
    return {
      ...node,
      id: node.id === id ? to : node.id,
      ...(params === undefined ? {} : { params }),
      ...(inside ? { body: inside } : {}),
    }
  }
  /** Frames around steps name them. */
  const grouped = ({ groups }: Body): Pick<Body, 'groups'> =>
    groups === undefined
      ? {}
      : {
          groups: groups.map((group) =>
            group.members?.includes(id)
              ? { ...group, members: group.members.map((one) => (one === id ? to : one)) }
              : group,
          ),
        }
  return body(definition)
}

/** Of several steps that lead to one, `prev` holds each output by its step's id. */
function comesAlong(definition: Definition, node: Node, id: string): boolean {
  const scope = places(definition).get(node.id)?.scope
  const graph = scope ? (places(definition).get(scope)?.node.body ?? {}) : definition
  const sources = new Set((graph.edges ?? []).filter(({ target }) => target === node.id).map(({ source }) => source))
  return sources.size > 1 && sources.has(id)
}

function paramsWith(node: Node, types: Types, id: string, to: string, prev: boolean): Node['params'] {
  const properties = types.get(node.type)?.params_schema.properties ?? {}
  const change = (value: unknown): unknown => {
    if (typeof value === 'string') return inText(value, id, to, prev)
    if (Array.isArray(value)) {
      const items = value.map(change)
      return items.every((item, at) => item === value[at]) ? value : items
    }
    if (!isMembers(value)) return value
    const entries = Object.entries(value).map(([key, part]) => [key, change(part)] as const)
    return entries.every(([key, part]) => part === value[key]) ? value : Object.fromEntries(entries)
  }
  const entries = Object.entries(node.params ?? {}).map(
    // What is taken literally holds no expressions, whatever it looks like.
    ([key, value]) => [key, properties[key]?.['x-expression'] === false ? value : change(value)] as const,
  )
  return entries.every(([key, value]) => value === node.params?.[key]) ? node.params : Object.fromEntries(entries)
}

const EXPRESSION = /\{\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\s\S])*?\}\}|(?<!\\)\$\{(?!\{)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^}])*\}/g
/** A text, or a step's id after a name that holds steps; texts hide what looks like one. */
const PART = /(?<![\w.\]"'])(steps|prev)(\s*\.\s*)([A-Za-z_]\w*)|(?<![\w.\]"'])(steps|prev)(\s*\[\s*)(["'])([^"'\\]*)\6|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g

function inText(text: string, id: string, to: string, prev: boolean): string {
  if (!text.includes(id)) return text
  return text.replace(EXPRESSION, (expression) =>
    expression.replace(PART, (all, ...found: (string | undefined)[]) => {
      const [head, dot, name, base, bracket, quote, key] = found
      const holder = head ?? base
      if (holder === undefined || (holder === 'prev' && !prev) || (name ?? key) !== id) return all
      return head === undefined ? `${base!}${bracket!}${quote!}${to}${quote!}` : `${head}${dot!}${to}`
    }),
  )
}
