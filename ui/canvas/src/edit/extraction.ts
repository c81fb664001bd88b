/** Steps made a workflow of their own: the new workflow is saved first, then the steps are replaced. */
import { call, post } from '../api'
import { patchNode, nodeOf } from '../document/document'
import { plainGeometry } from '../document/plain'
import type { Definition, Schema } from '../seam'
import type { Editor } from './store'

export interface ExtractedInput {
  /** What it stands for outside, such as `steps.read`; the same whatever it is called. */
  readonly key: string
  readonly name: string
  readonly value: string
  readonly schema: Schema
}

export interface Extraction {
  readonly definition: Definition
  readonly extracted: Definition
  readonly node_id: string
  readonly inputs: readonly ExtractedInput[]
  readonly outputs: readonly { readonly node_id: string; readonly name: string | null }[]
  readonly notices: readonly string[]
}

export interface Wish {
  readonly ids: readonly string[]
  readonly name: string
  readonly inputs: Readonly<Record<string, { readonly name: string; readonly schema: Schema }>>
}

/** What would be made. Rejects with an ApiError that tells every reason why it cannot be. */
export async function planExtraction(editor: Editor, wish: Wish): Promise<Extraction> {
  return post<Extraction>(`/workflows/${encodeURIComponent(editor.workflowId)}/extract`, {
    node_ids: wish.ids,
    name: wish.name,
    inputs: wish.inputs,
    definition: editor.definition.value,
  })
}

/**
 * Creates and publishes the workflow, then replaces the steps in one undoable edit; returns the id of
 * the calling step. Nothing is changed, and no workflow is left behind, when any of it fails.
 */
export async function makeSubWorkflow(editor: Editor, wish: Wish): Promise<string> {
  const before = editor.definition.value
  let found = await planExtraction(editor, wish)
  const made = await post<{ id: string }>('/workflows', {
    name: wish.name,
    definition: found.extracted,
    validate: 'strict',
  })
  try {
    await post(`/workflows/${made.id}/versions`, { description: 'Made of steps of another workflow' })
    // Somebody else's change may have been taken over meanwhile.
    if (editor.definition.value !== before) found = await planExtraction(editor, wish)
  } catch (cause) {
    await discard(made.id)
    throw cause
  }
  const drawn = plainGeometry(found.definition)
  const params = { ...nodeOf(drawn, found.node_id)?.params, workflow_id: made.id }
  editor.commit(patchNode(drawn, found.node_id, { params }), 'Make a sub-workflow')
  editor.select([found.node_id])
  return found.node_id
}

async function discard(id: string): Promise<void> {
  // It was never used: what made the rest fail is what is told.
  await call('DELETE', `/workflows/${id}`, { headers: { 'If-Match': '*' } }).catch(() => undefined)
}

export type ValueType = 'any' | 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object'

export const VALUE_TYPES: readonly { readonly type: ValueType; readonly name: string }[] = [
  { type: 'any', name: 'Anything' },
  { type: 'string', name: 'Text' },
  { type: 'number', name: 'Number' },
  { type: 'integer', name: 'Whole number' },
  { type: 'boolean', name: 'Yes or no' },
  { type: 'array', name: 'List' },
  { type: 'object', name: 'Object or table' },
]

export function typeOfSchema(schema: Schema): ValueType {
  return VALUE_TYPES.find(({ type }) => type === schema.type)?.type ?? 'any'
}

/** The type that the last run's value has. */
export function typeOfSample(value: unknown): ValueType {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'object' && value !== null) return 'object'
  if (typeof value === 'string') return 'string'
  return typeof value === 'boolean' ? 'boolean' : 'any'
}

/** The schema with another type; what only fits the old one goes. */
export function withType(schema: Schema, type: ValueType): Schema {
  if (typeOfSchema(schema) === type) return schema
  const { title, description } = schema
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(type === 'any' ? {} : { type }),
  }
}
