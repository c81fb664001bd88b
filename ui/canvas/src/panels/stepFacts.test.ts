import { describe, expect, it } from 'vitest'
import { newStep } from '../run/steps'
import { factsOf, money, unpricedModels } from './stepFacts'

describe('what a step took', () => {
  it('is told in money that can be seen', () => {
    expect(money('1.5')).toBe('$1.50')
    expect(money('0')).toBe('$0.00')
    expect(money('0.00123')).toBe('$0.0012')
    expect(money('0.0000012')).toBe('$0.0000012')
    for (const nothing of [null, undefined, '', 'x']) expect(money(nothing)).toBe('')
  })

  it('names the model that has no price', () => {
    const usage = { input_tokens: 1200, output_tokens: 30, cost_usd: null }
    const step = { ...newStep('ask', 'ask', null), usage, model: 'local/tiny', durationMs: 1500 }
    expect(factsOf(step, 'output')).toEqual([
      '1.5 s',
      '1,200 → 30 tokens',
      'no price for local/tiny',
    ])
    const priced = { ...step, usage: { ...usage, cost_usd: '0.02' } }
    expect(factsOf(priced, 'output')).toEqual(['1.5 s', '1,200 → 30 tokens', '$0.0200', 'local/tiny'])
    expect(unpricedModels([step, priced, step])).toEqual(['local/tiny'])
    expect(unpricedModels([{ ...step, model: 'mock' }])).toEqual([])
  })
})
