/** JSON Schema (2020-12, as msgspec writes it) → the fields of a form. */

import { copyOf, isNumber, stringify } from '../json'
import type { Schema } from '../seam'

export type FieldKind =
  | 'text'
  | 'textarea'
  | 'expression'
  | 'condition'
  | 'duration'
  | 'number'
  | 'boolean'
  | 'enum'
  | 'list'
  | 'map'
  | 'object'
  | 'variant'
  | 'json'
  | 'model'
  | Widget
  | 'any'

/** Fields that know what they are for; a list of such has one in each entry. */
export type Widget = 'column' | 'file' | 'workflow' | 'library_graph' | 'code'

const WIDGETS: ReadonlySet<unknown> = new Set<Widget>([
  'column',
  'file',
  'workflow',
  'library_graph',
  'code',
])

export function isWidget(kind: unknown): kind is Widget {
  return WIDGETS.has(kind)
}

/** One of the kinds of a union of objects that a tag tells apart. */
export interface Variant {
  tag: unknown
  title: string
  fields: Field[]
}

export interface Choice {
  value: unknown
  label: string
}

export interface Field {
  key: string
  kind: FieldKind
  title: string
  description: string
  required: boolean
  nullable: boolean
  hasDefault: boolean
  default: unknown
  placeholder: string
  secret: boolean
  /** False when the text is taken literally. */
  expression: boolean
  integer: boolean
  minimum: number | null
  maximum: number | null
  choices: Choice[]
  examples: readonly unknown[]
  /** The entry of a list, the value of a map. */
  item: Field | null
  /** The members of an object. */
  fields: Field[]
  /** The member that says which variant it is. */
  tag: string
  variants: Variant[]
  /** It names a file that is to be there; else one that is written. */
  uploads: boolean
  /** By a sibling's key, the values with which the field applies, or does not. */
  when: Readonly<Record<string, readonly unknown[]>> | null
  unless: Readonly<Record<string, readonly unknown[]>> | null
}

/** Follow `$ref` within the document; what stands beside the reference wins. */
export function deref(schema: Schema, root: Schema): Schema {
  let current = schema
  for (let depth = 0; current.$ref !== undefined && depth < 20; depth++) {
    const { $ref, ...beside } = current
    const found = lookUp(root, $ref)
    if (found === null) return beside
    current = { ...found, ...beside }
  }
  return current
}

function lookUp(root: Schema, ref: string): Schema | null {
  if (!ref.startsWith('#/')) return null
  let at: unknown = root
  for (const part of ref.slice(2).split('/')) {
    if (typeof at !== 'object' || at === null) return null
    at = (at as Record<string, unknown>)[part.replace(/~1/g, '/').replace(/~0/g, '~')]
  }
  return typeof at === 'object' && at !== null ? (at as Schema) : null
}

function flatten(union: readonly Schema[], root: Schema): Schema[] {
  return union.flatMap((part) => {
    const found = deref(part, root)
    const inner = found.anyOf ?? found.oneOf
    return inner === undefined ? [found] : flatten(inner, root)
  })
}

/** Join `allOf`, and take `null` out of a union: what is left says what to enter. */
function simplify(schema: Schema, root: Schema): { schema: Schema; nullable: boolean } {
  let current = deref(schema, root)
  if (current.allOf !== undefined) {
    const { allOf, ...beside } = current
    current = Object.assign({}, ...allOf.map((part) => deref(part, root)), beside) as Schema
  }
  let nullable = false
  const union = current.anyOf ?? current.oneOf
  if (union !== undefined) {
    const parts = flatten(union, root)
    const real = parts.filter((part) => part.type !== 'null')
    nullable = real.length < parts.length
    const { anyOf: _a, oneOf: _o, ...beside } = current
    const [only] = real
    if (real.length === 1 && only !== undefined) current = { ...only, ...beside }
    else if (real.length > 1 && real.every((part) => part.const !== undefined))
      current = { ...beside, enum: real.map((part) => part.const) }
    else if (tagOf(real) !== null) current = { ...beside, oneOf: real }
    else current = beside
  }
  if (Array.isArray(current.type)) {
    const types = current.type.filter((type) => type !== 'null')
    nullable ||= types.length < current.type.length
    const { type: _t, ...beside } = current
    const [only] = types
    current = types.length === 1 && only !== undefined ? { ...beside, type: only } : beside
  }
  return { schema: current, nullable }
}

/** The member by which a union's objects are told apart: the same one-valued member in all. */
function tagOf(parts: readonly Schema[]): string | null {
  const [first] = parts
  const names = Object.keys(first?.properties ?? {})
  return (
    names.find((name) => parts.every((part) => onlyValue(part.properties?.[name]) !== undefined)) ??
    null
  )
}

function onlyValue(member: Schema | undefined): unknown {
  return member?.const ?? (member?.enum?.length === 1 ? member.enum[0] : undefined)
}

function variantsOf(parts: readonly Schema[], tag: string, root: Schema, depth: number): Variant[] {
  return parts.map((part) => {
    const value = onlyValue(part.properties?.[tag])
    return {
      tag: value,
      title: typeof value === 'string' ? choiceLabel(value) : asText(value),
      fields: fieldsOf(part, root, depth + 1).filter((field) => field.key !== tag),
    }
  })
}

/** The fields of an object schema, in its order, required ones first. */
export function fieldsOf(schema: Schema, root: Schema = schema, depth = 0): Field[] {
  const object = simplify(schema, root).schema
  const required = new Set(object.required ?? [])
  const fields = Object.entries(object.properties ?? {}).map(([key, member]) =>
    fieldOf(key, member, required.has(key), root, depth),
  )
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)]
}

export function fieldOf(
  key: string,
  raw: Schema,
  required: boolean,
  root: Schema,
  depth = 0,
): Field {
  const { schema, nullable } = simplify(raw, root)
  const kind = kindOf(schema, depth)
  const item =
    kind === 'list'
      ? fieldOf('', itemOf(schema), true, root, depth + 1)
      : kind === 'map'
        ? fieldOf(
            '',
            typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {},
            true,
            root,
            depth + 1,
          )
        : null
  const tag = kind === 'variant' ? tagOf(schema.oneOf ?? []) : null
  const example = schema.examples?.[0]
  const integer = schema.type === 'integer'
  const step = integer ? 1 : 0
  return {
    key,
    kind,
    title: schema.title ?? humanise(key),
    description: schema.description ?? '',
    required,
    nullable,
    hasDefault: 'default' in schema,
    default: schema.default,
    placeholder: schema['x-placeholder'] ?? (example === undefined ? '' : asText(example)),
    secret: schema['x-secret'] === true,
    expression: schema['x-expression'] !== false,
    integer,
    minimum: limitOf(schema.minimum, schema.exclusiveMinimum, step),
    maximum: limitOf(schema.maximum, schema.exclusiveMaximum, -step),
    choices: kind === 'enum' || schema.enum !== undefined ? choicesOf(schema) : [],
    examples: schema.examples ?? [],
    item,
    fields: kind === 'object' ? fieldsOf(schema, root, depth + 1) : [],
    tag: tag ?? '',
    uploads: schema['x-writes'] !== true,
    when: schema['x-when'] ?? null,
    unless: schema['x-unless'] ?? null,
    variants: tag === null ? [] : variantsOf(schema.oneOf ?? [], tag, root, depth),
  }
}

function limitOf(included: unknown, excluded: unknown, step: number): number | null {
  if (isNumber(included)) return Number(included)
  return isNumber(excluded) ? Number(excluded) + step : null
}

function itemOf(schema: Schema): Schema {
  const widget = schema['x-widget']
  return isWidget(widget) ? { 'x-widget': widget, ...schema.items } : (schema.items ?? {})
}

function isPlainWidget(widget: unknown): widget is FieldKind {
  return ['textarea', 'expression', 'condition', 'duration', 'model', 'json'].includes(widget as string)
}

function kindOf(schema: Schema, depth: number): FieldKind {
  const widget = schema['x-widget']
  if (isWidget(widget) && schema.type !== 'array') return widget
  if (isPlainWidget(widget)) return widget
  if (widget === 'key_value') return 'map'
  if (schema.enum !== undefined || schema.const !== undefined) return 'enum'
  if (schema.oneOf !== undefined) return depth > 4 ? 'json' : 'variant'
  // A type may contain itself: past this depth the entry is written as JSON.
  const deep = depth > 4
  switch (schema.type) {
    case 'string':
      return schema.format === 'textarea' || schema.format === 'multiline' ? 'textarea' : 'text'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array':
      return deep || schema.items === undefined ? 'json' : 'list'
    case 'object':
      if (deep) return 'json'
      return schema.properties === undefined ? 'map' : 'object'
    default:
      return schema.properties === undefined ? 'any' : 'object'
  }
}

function choicesOf(schema: Schema): Choice[] {
  const values = schema.enum ?? [schema.const]
  const labels = Array.isArray(schema['x-labels']) ? (schema['x-labels'] as unknown[]) : []
  return values.map((value, at) => {
    const given = labels[at]
    if (typeof given === 'string') return { value, label: given }
    return { value, label: typeof value === 'string' ? choiceLabel(value) : asText(value) }
  })
}

/** Names that are written in their own way. */
const NAMES: Readonly<Record<string, string>> = {
  api: 'API',
  csv: 'CSV',
  dmy: 'Day, month, year',
  html: 'HTML',
  json: 'JSON',
  jsonl: 'JSON Lines',
  mdy: 'Month, day, year',
  pdf: 'PDF',
  png: 'PNG',
  sql: 'SQL',
  svg: 'SVG',
  tsv: 'TSV',
  xlsx: 'Excel',
  xml: 'XML',
  ymd: 'Year, month, day',
}

/** `GET` and `gpt-4.1` stay as they are; `on_error` becomes `On error`. */
function choiceLabel(value: string): string {
  return NAMES[value] ?? (/^[a-z][a-z_]*$/.test(value) ? humanise(value) : value)
}

/** The fields that apply with these values; those that do not keep what they hold, out of sight. */
export function applying(
  fields: readonly Field[],
  values: Readonly<Record<string, unknown>> | null | undefined,
): Field[] {
  const holds = (key: string, wanted: readonly unknown[]): boolean => {
    const sibling = fields.find((field) => field.key === key)
    const value = values?.[key] ?? sibling?.default
    // What an expression will be is not known.
    return wanted.includes(value) || (typeof value === 'string' && value.includes('{{'))
  }
  const all = (rule: Field['when']): boolean =>
    Object.entries(rule ?? {}).every(([key, wanted]) => holds(key, wanted))
  return fields.filter(
    (field) => all(field.when) && !(field.unless !== null && all(field.unless)),
  )
}

export function humanise(name: string): string {
  const words = name.replace(/[_-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : stringify(value)
}

/** What a new entry of a list, or a field excluded a default, starts with. */
export function emptyValue(field: Field): unknown {
  if (field.hasDefault) return copyOf(field.default)
  switch (field.kind) {
    case 'text':
    case 'textarea':
    case 'expression':
    case 'condition':
    case 'model':
    case 'column':
    case 'file':
    case 'workflow':
    case 'library_graph':
    case 'code':
    case 'any':
      return ''
    case 'number':
    case 'duration':
      return field.nullable ? null : (field.minimum ?? 0)
    case 'boolean':
      return false
    case 'enum':
      return field.choices[0]?.value ?? null
    case 'list':
      return []
    case 'map':
      return {}
    case 'object':
      return Object.fromEntries(
        field.fields
          .filter((member) => member.required)
          .map((member) => [member.key, emptyValue(member)]),
      )
    case 'json':
    case 'variant':
      return null
  }
}

/** The value of every field that has a default, for a form's first opening. */
export function defaultsOf(schema: Schema): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const field of fieldsOf(schema))
    if (field.hasDefault) values[field.key] = copyOf(field.default)
  return values
}

/** RFC 6901: one more step down. */
export function child(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replace(/~/g, '~0').replace(/\//g, '~1')}`
}

export interface PointedProblem {
  pointer: string
  detail: string
}

/**
 * The problems of one field. Pointers may be absolute (`/definition/nodes/3/params/url`); `base`
 * is where the form's own pointers begin, and a leaf takes what lies beneath it as well.
 */
export function problemsAt(
  problems: readonly PointedProblem[],
  pointer: string,
  deep: boolean,
): string[] {
  return problems
    .filter(
      (problem) =>
        problem.pointer === pointer || (deep && problem.pointer.startsWith(`${pointer}/`)),
    )
    .map((problem) => besideField(problem.detail))
}

/** Without the names of the fields that lead there: it stands at the field. */
export function besideField(detail: string): string {
  const said = detail.replace(/^'[^']+'(?:, (?:entry \d+|'[^']+'))*(?:: | (?=is required))/, '')
  if (said === detail) return detail
  if (said.startsWith('is required; ')) return sentence(said.slice('is required; '.length))
  return sentence(said)
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.…!?]$/.test(words) ? '' : '.'}`
}

/** What can be told excluded asking the server: required inputs that are empty. */
export function checkInputs(
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
): PointedProblem[] {
  return fieldsOf(schema)
    .filter((field) => field.required && (values[field.key] ?? '') === '')
    .map((field) => ({ pointer: child('', field.key), detail: 'Fill this in.' }))
}
