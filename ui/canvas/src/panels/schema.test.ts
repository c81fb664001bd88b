import { describe, expect, it } from 'vitest'
import type { Schema } from '../seam'
import { checkInputs, child, defaultsOf, emptyValue, fieldsOf, problemsAt } from './schema'

/** Cut from what msgspec writes for a Params struct. */
const params: Schema = {
  title: 'P',
  type: 'object',
  required: ['url', 'cases', 'fields'],
  properties: {
    mode: { title: 'Mode', $ref: '#/$defs/Mode', default: 'any' },
    url: { title: 'URL', description: 'Where.', 'x-placeholder': 'https://', type: 'string' },
    limit: {
      anyOf: [{ title: 'T', type: 'integer', exclusiveMinimum: 0, maximum: 10 }, { type: 'null' }],
      default: null,
    },
    cases: { title: 'Cases', type: 'array', items: { $ref: '#/$defs/Case' } },
    fields: { title: 'Fields', 'x-widget': 'key_value', type: 'object' },
    items: { title: 'Items', anyOf: [{ type: 'array' }, { type: 'string' }] },
    token: { title: 'Token', type: 'string', 'x-secret': true, 'x-expression': false },
    model: { type: 'string', 'x-widget': 'model' },
    on_error: { enum: ['fail', 'GET'] },
    auth: {
      anyOf: [{ anyOf: [{ $ref: '#/$defs/Bearer' }, { $ref: '#/$defs/Basic' }] }, { type: 'null' }],
      default: null,
    },
  },
  $defs: {
    Mode: { title: 'Mode', description: 'Help of the enum.', enum: ['all', 'any'] },
    Case: {
      title: 'Case',
      type: 'object',
      properties: { equals: { title: 'Equals' }, port: { title: 'Port', type: 'string' } },
      required: ['equals', 'port'],
    },
    Bearer: {
      type: 'object',
      properties: { type: { enum: ['bearer'] }, token: { type: 'string' } },
      required: ['type', 'token'],
    },
    Basic: {
      type: 'object',
      properties: { type: { enum: ['basic'] }, username: { type: 'string' } },
      required: ['type', 'username'],
    },
  },
}

const fields = Object.fromEntries(fieldsOf(params).map((field) => [field.key, field]))

describe('fieldsOf', () => {
  it('puts required fields first and keeps the order otherwise', () => {
    expect(fieldsOf(params).map((field) => field.key)).toEqual([
      'url', 'cases', 'fields', 'mode', 'limit', 'items', 'token', 'model', 'on_error', 'auth',
    ]) // prettier-ignore
  })

  it('follows references, and what stands beside them wins', () => {
    expect(fields['mode']).toMatchObject({ kind: 'enum', title: 'Mode', default: 'any' })
    expect(fields['mode']?.choices.map((choice) => choice.value)).toEqual(['all', 'any'])
  })

  it('takes null out of a union and makes exclusive limits of whole numbers inclusive', () => {
    expect(fields['limit']).toMatchObject({
      kind: 'number', nullable: true, integer: true, minimum: 1, maximum: 10, title: 'T',
    }) // prettier-ignore
  })

  it('reads lists of objects with their members', () => {
    expect(fields['cases']?.kind).toBe('list')
    expect(fields['cases']?.item?.fields.map((field) => [field.key, field.kind])).toEqual([
      ['equals', 'any'],
      ['port', 'text'],
    ])
  })

  it('reads widgets, secrets and free values', () => {
    expect(fields['fields']).toMatchObject({ kind: 'map', required: true })
    expect(fields['items']?.kind).toBe('any')
    expect(fields['token']).toMatchObject({ kind: 'text', secret: true, expression: false })
    expect(fields['model']?.kind).toBe('model')
  })

  it('writes names for people but leaves codes alone', () => {
    expect(fields['on_error']?.title).toBe('On error')
    expect(fields['on_error']?.choices.map((choice) => choice.label)).toEqual(['Fail', 'GET'])
  })

  it('tells the variants of a tagged union apart, nested or not', () => {
    expect(fields['auth']).toMatchObject({ kind: 'variant', tag: 'type', nullable: true })
    expect(fields['auth']?.variants.map((variant) => [variant.tag, variant.fields.length])).toEqual(
      [
        ['bearer', 1],
        ['basic', 1],
      ],
    )
  })

  it('ends at a type that contains itself', () => {
    const tree: Schema = {
      $ref: '#/$defs/Tree',
      $defs: {
        Tree: {
          type: 'object',
          properties: { child: { anyOf: [{ $ref: '#/$defs/Tree' }, { type: 'null' }] } },
        },
      },
    }
    let field = fieldsOf(tree)[0]
    let depth = 0
    while (field?.kind === 'object') {
      field = field.fields[0]
      depth++
    }
    expect(field?.kind).toBe('json')
    expect(depth).toBeLessThan(8)
  })
})

describe('values', () => {
  it('makes new entries with what is required in them', () => {
    const item = fields['cases']?.item
    expect(item && emptyValue(item)).toEqual({ equals: '', port: '' })
  })

  it('collects defaults as copies', () => {
    const schema: Schema = {
      type: 'object',
      properties: { rows: { type: 'array', default: [1] }, city: { type: 'string' } },
    }
    const values = defaultsOf(schema)
    ;(values['rows'] as number[]).push(2)
    expect(defaultsOf(schema)).toEqual({ rows: [1] })
  })

  it('names the required inputs that are empty', () => {
    const schema: Schema = {
      type: 'object',
      required: ['a', 'b', 'c'],
      properties: { a: { type: 'string' }, b: { type: 'boolean' }, c: { type: 'number' } },
    }
    expect(
      checkInputs(schema, { a: '', b: false, c: 0 }).map((problem) => problem.pointer),
    ).toEqual(['/a'])
  })
})

describe('pointers', () => {
  it('escapes keys', () => {
    expect(child('/headers', 'a/b~c')).toBe('/headers/a~1b~0c')
  })

  it('gives a leaf what lies beneath it, a group only its own', () => {
    const problems = [
      { pointer: '/cases', detail: 'group' },
      { pointer: '/cases/0/port', detail: 'leaf' },
    ]
    expect(problemsAt(problems, '/cases', false)).toEqual(['group'])
    expect(problemsAt(problems, '/cases', true)).toEqual(['group', 'leaf'])
  })
})
