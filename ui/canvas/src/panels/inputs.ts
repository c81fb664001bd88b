/** A workflow's inputs as rows that a person edits, and as the JSON Schema that is stored. */
import type { Schema } from '../seam'

export type InputType =
  'text' | 'long' | 'number' | 'integer' | 'boolean' | 'choice' | 'file' | 'list' | 'object'

export interface InputRow {
  readonly name: string
  readonly type: InputType
  readonly title: string
  readonly description: string
  readonly required: boolean
  /** Undefined: no default. */
  readonly default: unknown
  readonly choices: readonly string[]
  /** Keywords that the rows do not show and must not lose. */
  readonly rest: Readonly<Record<string, unknown>>
}

export const INPUT_TYPES: readonly { type: InputType; name: string; icon: string }[] = [
  { type: 'text', name: 'Text', icon: 'short_text' },
  { type: 'long', name: 'Long text', icon: 'notes' },
  { type: 'number', name: 'Number', icon: 'numbers' },
  { type: 'integer', name: 'Whole number', icon: 'pin' },
  { type: 'boolean', name: 'Yes or no', icon: 'toggle_on' },
  { type: 'choice', name: 'Choice', icon: 'list' },
  { type: 'file', name: 'File', icon: 'upload_file' },
  { type: 'list', name: 'List (JSON)', icon: 'data_array' },
  { type: 'object', name: 'Object (JSON)', icon: 'data_object' },
]

const SHOWN = ['type', 'title', 'description', 'default', 'enum', 'x-widget']

export function rowsOf(schema: Schema): InputRow[] {
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {}).map(([name, member]) => ({
    name,
    type: typeOf(member),
    title: member.title ?? '',
    description: member.description ?? '',
    required: required.has(name),
    default: member.default,
    choices: (member.enum ?? []).map(String),
    rest: Object.fromEntries(Object.entries(member).filter(([key]) => !SHOWN.includes(key))),
  }))
}

function typeOf(member: Schema): InputType {
  if (member.enum !== undefined) return 'choice'
  switch (member.type) {
    case 'number':
      return 'number'
    case 'integer':
      return 'integer'
    case 'boolean':
      return 'boolean'
    case 'array':
      return 'list'
    case 'object':
      return 'object'
    default:
      if (member['x-widget'] === 'file') return 'file'
      return member['x-widget'] === 'textarea' ? 'long' : 'text'
  }
}

/** `before` gives the keywords of the whole schema that rows do not show. */
export function schemaOf(rows: readonly InputRow[], before: Schema): Schema {
  const properties: Record<string, Schema> = {}
  for (const row of rows) properties[row.name] = memberOf(row)
  return {
    ...before,
    type: 'object',
    properties,
    required: rows.filter((row) => row.required).map((row) => row.name),
  }
}

const TYPES: Readonly<Record<InputType, string>> = {
  text: 'string',
  long: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  choice: 'string',
  file: 'string',
  list: 'array',
  object: 'object',
}

function memberOf(row: InputRow): Schema {
  const member: Schema = { ...row.rest, type: TYPES[row.type] }
  if (row.title !== '') member.title = row.title
  if (row.description !== '') member.description = row.description
  if (row.type === 'choice') member.enum = [...row.choices]
  if (row.type === 'long') member['x-widget'] = 'textarea'
  if (row.type === 'file') member['x-widget'] = 'file'
  if (row.default !== undefined) member.default = row.default
  return member
}

/** The row with another type: what the new one cannot hold is dropped. */
export function withType(row: InputRow, type: InputType): InputRow {
  const keep = (row.type === 'text' || row.type === 'long') && (type === 'text' || type === 'long')
  const both = TYPES[row.type] === TYPES[type] && type !== 'choice' && row.type !== 'choice'
  return {
    ...row,
    type,
    default: keep || both ? row.default : undefined,
    choices: type === 'choice' ? (row.choices.length > 0 ? row.choices : ['first', 'second']) : [],
    rest: both ? row.rest : {},
  }
}

export function nameProblem(name: string, others: readonly string[]): string {
  if (name === '') return 'Give it a name.'
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return 'Use letters, digits and _, and begin with a letter.'
  return others.includes(name) ? 'This name is taken.' : ''
}

export function freeName(taken: readonly string[]): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? 'input' : `input_${String(number)}`
    if (!taken.includes(name)) return name
  }
}
