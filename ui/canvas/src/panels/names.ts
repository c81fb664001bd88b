/** The names that an expression in a node may use, with the values of the run at hand. */
import type { Body, Definition, EditorStore, JsonObject, Node, Schema } from '../seam'
import type { RunRecord } from '../run/record'
import { join, preview, type Root } from './expressions'
import { defaultsOf, fieldsOf } from './schema'

export interface LastRun {
  readonly inputs: JsonObject | null
  readonly record: RunRecord
}

export function rootsFor(editor: EditorStore, run: LastRun, nodeId: string): Root[] {
  const definition = editor.definition.value
  const { inputs, variables } = documentRoots(definition, run.inputs)
  const upstream = editor.upstreamOf(nodeId).map((node) => stepRoot(editor, run, node))
  const outer = [inputs, ...upstream, variables]
  const roots: Root[] = []
  const prev = prevRoot(editor, run, definition, nodeId, inputs, outer)
  if (prev !== null) roots.push(prev)
  const [container] = editor.containersOf(nodeId)
  if (container !== undefined) roots.push(...loopRoots(editor, run, container, outer))
  roots.push(...ownRoots(editor, run, nodeId, outer))
  roots.push(inputs, ...upstream)
  if (Object.keys(definition.variables ?? {}).length > 0) roots.push(variables)
  return roots
}

/** A condition that is looked at after each round sees the body's steps and the round's output. */
function ownRoots(
  editor: EditorStore,
  run: LastRun,
  nodeId: string,
  outer: readonly Root[],
): Root[] {
  const node = editor.node(nodeId)
  const params = (node && editor.typeOf(node)?.params_schema.properties) ?? {}
  if (!node?.body || !Object.values(params).some((param) => param['x-lazy'] === true)) return []
  const inside = (node.body.nodes ?? []).map((inner) => stepRoot(editor, run, inner))
  const [item, index] = loopRoots(editor, run, nodeId, outer)
  return [
    ...(item ? [{ ...item, label: 'The output of the round' }] : []),
    ...(index ? [index] : []),
    ...inside,
  ]
}

function documentRoots(
  definition: Definition,
  given: JsonObject | null,
): { inputs: Root; variables: Root } {
  const schema = (definition.inputs ?? {}) as Schema
  const values = { ...defaultsOf(schema), ...given }
  return {
    inputs: {
      name: 'input',
      label: 'All inputs of the run',
      group: 'Workflow inputs',
      icon: 'input',
      value: values,
      known: given !== null || Object.keys(values).length > 0,
      members: fieldsOf(schema).map((field) => ({
        name: field.key,
        label: field.title,
        type: field.kind === 'any' ? '' : field.kind,
      })),
    },
    variables: {
      name: 'vars',
      label: 'All variables',
      group: 'Variables',
      icon: 'tune',
      value: definition.variables ?? {},
      known: true,
    },
  }
}

function stepRoot(editor: EditorStore, run: LastRun, node: Node): Root {
  const output = run.record.outputOf(node.id)
  const type = editor.typeOf(node)
  return {
    name: join('steps', node.id),
    label: editor.titleOf(node),
    group: editor.titleOf(node),
    icon: type?.icon ?? 'widgets',
    value: output.value,
    known: output.known,
    members: output.known ? [] : promised(node, editor),
  }
}

/** The members an output will have, as far as the settings tell without a run. */
function promised(node: Node, editor: EditorStore): NonNullable<Root['members']> {
  const properties = editor.typeOf(node)?.params_schema.properties ?? {}
  if (node.type === 'start')
    return fieldsOf((editor.definition.value.inputs ?? {}) as Schema).map((field) => ({
      name: field.key,
      label: field.title,
      type: '',
    }))
  const fields = node.params?.['fields']
  if (properties['fields']?.['x-widget'] !== 'key_value') return []
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return []
  return Object.keys(fields).map((name) => ({ name, label: name, type: '' }))
}

function prevRoot(
  editor: EditorStore,
  run: LastRun,
  definition: Definition,
  nodeId: string,
  inputs: Root,
  outer: readonly Root[],
): Root | null {
  const graph = graphOf(definition, nodeId)
  if (graph === null) return null
  const sources = [
    ...new Set((graph.edges ?? []).filter((e) => e.target === nodeId).map((e) => e.source)),
  ]
  const base = { name: 'prev', group: 'What arrives here', icon: 'login' }
  const [only] = sources
  if (only === undefined) {
    const [container] = editor.containersOf(nodeId)
    if (container === undefined) return { ...inputs, ...base, label: 'The inputs of the run' }
    const item = loopRoots(editor, run, container, outer)[0]
    return item === undefined ? null : { ...item, ...base, label: 'The item at hand' }
  }
  if (sources.length === 1) {
    const node = editor.node(only)
    if (node === undefined) return null
    return { ...stepRoot(editor, run, node), ...base, label: `Output of ${editor.titleOf(node)}` }
  }
  const live = sources
    .map((id) => ({ id, output: run.record.outputOf(id) }))
    .filter((entry) => entry.output.known)
  // Of several upstreams only the live ones arrive; one alone arrives as it is.
  const [first] = live
  return {
    ...base,
    label: 'What arrives from the steps before',
    known: first !== undefined,
    value:
      live.length === 1
        ? first?.output.value
        : Object.fromEntries(live.map((entry) => [entry.id, entry.output.value])),
    members: first === undefined ? sources.map((id) => ({ name: id, label: id, type: '' })) : [],
  }
}

function loopRoots(
  editor: EditorStore,
  run: LastRun,
  containerId: string,
  outer: readonly Root[],
): Root[] {
  const node = editor.node(containerId)
  const group = node === undefined ? 'Loop' : editor.titleOf(node)
  const items = node?.params?.['items']
  const found =
    typeof items === 'string' ? preview(items, outer) : { known: items !== undefined, value: items }
  const list = found.known && Array.isArray(found.value) ? (found.value as unknown[]) : []
  const overItems = 'items' in ((node && editor.typeOf(node)?.params_schema.properties) ?? {})
  return [
    {
      name: 'item',
      label: overItems
        ? 'The item at hand (here: the first)'
        : 'What arrived; from the second round on, the output of the round before',
      group,
      icon: 'repeat',
      value: list[0],
      known: list.length > 0,
    },
    {
      name: 'index',
      label: 'Its place, counted from 0',
      group,
      icon: 'tag',
      value: 0,
      known: run.record.lastSeq > 0 && list.length > 0,
    },
  ]
}

function graphOf(graph: Body, nodeId: string): Body | null {
  for (const node of graph.nodes ?? []) {
    if (node.id === nodeId) return graph
    const inside = node.body ? graphOf(node.body, nodeId) : null
    if (inside !== null) return inside
  }
  return null
}
