import { expect, it } from 'vitest'
import type { NodeType } from '../seam'
import { outputPorts } from './ports'
import { TYPES, node } from './samples'

const ASK: NodeType = {
  ...TYPES.get('if')!,
  outputs_by: {
    param: 'kind',
    default: 'confirmation',
    cases: {
      confirmation: { outputs: [{ name: 'yes' }, { name: 'no' }] },
      choice: { outputs_from: { param: 'options', key: 'port' } },
    },
  },
}

function names(params: Record<string, unknown>, more: object = {}): string[] {
  return outputPorts(node('a', 'ask', { params, ...more }), ASK).map((port) => port.name)
}

it('takes the ports of the case that a setting says', () => {
  expect(names({})).toEqual(['yes', 'no'])
  expect(names({ kind: 'choice', options: ['red', 'blue', 'red', ''] })).toEqual(['red', 'blue'])
  expect(names({ kind: 'choice', options: [{ port: 'red' }, 7] })).toEqual(['red'])
  expect(names({ kind: 'text' })).toEqual(['true', 'false'])
  expect(names({}, { on_error: 'error' })).toEqual(['yes', 'no', 'error'])
})
