import { describe, expect, it } from 'vitest'
import type { Schema } from '../seam'
import { freeName, nameProblem, rowsOf, schemaOf, withType } from './inputs'
import { problemsOfNode, withinNode } from './pointers'

const schema: Schema = {
  type: 'object',
  title: 'Kept',
  required: ['city'],
  properties: {
    city: { type: 'string', title: 'City', default: 'Oslo', maxLength: 9 },
    tone: { type: 'string', enum: ['a', 'b'], description: 'How.' },
    text: { type: 'string', 'x-widget': 'textarea' },
    rows: { type: 'array', default: [] },
  },
}

describe('inputs', () => {
  it('survive the way to rows and back, keywords that rows do not show included', () => {
    expect(schemaOf(rowsOf(schema), schema)).toEqual(schema)
  })

  it('drop what another type cannot hold', () => {
    const [city] = rowsOf(schema)
    expect(withType(city!, 'long')).toMatchObject({ default: 'Oslo', rest: { maxLength: 9 } })
    expect(withType(city!, 'number')).toMatchObject({ default: undefined, rest: {} })
    expect(withType(city!, 'choice').choices.length).toBeGreaterThan(0)
  })

  it('have names that expressions can say', () => {
    expect(nameProblem('city_2', [])).toBe('')
    expect(nameProblem('', [])).not.toBe('')
    expect(nameProblem('2x', [])).not.toBe('')
    expect(nameProblem('a b', [])).not.toBe('')
    expect(nameProblem('city', ['city'])).toBe('This name is taken.')
    expect(freeName(['input', 'input_2'])).toBe('input_3')
  })
})

describe('problems of a node', () => {
  it('find their form, in a body and with the API prefix too', () => {
    expect(withinNode('/nodes/3/body/nodes/0/params/url')).toBe('/params/url')
    expect(withinNode('/definition/nodes/3/params/nodes/0')).toBe('/params/nodes/0')
    const sorted = problemsOfNode([
      { pointer: '/nodes/1/params/cases/0/port', code: 'c', detail: 'a' },
      { pointer: '/nodes/1/retry/max_attempts', code: 'c', detail: 'b' },
      { pointer: '/nodes/1', code: 'c', detail: 'c' },
    ])
    expect(sorted.params[0]?.pointer).toBe('/cases/0/port')
    expect(sorted.settings[0]?.pointer).toBe('/retry/max_attempts')
    expect(sorted.general[0]?.detail).toBe('c')
  })
})
