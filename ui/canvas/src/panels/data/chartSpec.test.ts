import { describe, expect, it } from 'vitest'
import { checkSpec, MAX_ROWS } from './chartSpec'

const plain = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  data: { values: [{ a: 1, url: 'https://example.com', signal: 'x' }] },
  mark: { type: 'bar', tooltip: true },
  encoding: { x: { field: 'a', type: 'nominal', bin: { binned: true } }, tooltip: [{ field: 'a' }] },
}

describe('a specification', () => {
  it('as chart nodes make it is taken', () => {
    expect(() => {
      checkSpec(plain)
    }).not.toThrow()
  })

  it.each([
    ['spec.data.sequence', { ...plain, data: { sequence: { start: 0, stop: 5e7 } } }],
    ['spec.data.url', { ...plain, data: { url: 'https://example.com/rows' } }],
    ['spec.transform', { ...plain, transform: [{ calculate: '1', as: 'b' }] }],
    ['spec.params', { ...plain, params: [] }],
    ['spec.layer', { ...plain, layer: [plain] }],
    ['spec.mark.color', { ...plain, mark: { type: 'bar', color: { expr: 'x' } } }],
    ['spec.mark', { ...plain, mark: 'image' }],
    ['spec.mark', { ...plain, mark: { type: 'geoshape' } }],
    ['spec.width', { ...plain, width: { step: 1e9 } }],
    ['spec.encoding.href', { ...plain, encoding: { href: { field: 'url' } } }],
    ['spec.encoding.tooltip[0].condition', { ...plain, encoding: { tooltip: [{ condition: {} }] } }],
    ['spec.encoding.x.bin.maxbins', { ...plain, encoding: { x: { bin: { maxbins: 1e9 } } } }],
    ['spec.data.values', { ...plain, data: { values: Array(MAX_ROWS + 1).fill({}) } }],
    ['spec.data.values', { ...plain, data: { values: 'a,b' } }],
  ])('with %s is refused by that name', (name, spec) => {
    expect(() => {
      checkSpec(spec)
    }).toThrow(`refused: ${name} `)
  })
})
