import { describe, expect, it } from 'vitest'
import { addEdge, addToScope, downstreamOf, places } from './document'
import { placementRefusal, refusal, targetsOf } from './connect'
import { TYPES, edge, node, randomDefinition, sample } from './samples'

function wire(source: string, target: string, sourcePort = 'out', targetPort = 'in') {
  return { source, sourcePort, target, targetPort }
}

describe('a connection', () => {
  it('is drawn between two steps of one graph', () => {
    expect(refusal(sample(), TYPES, wire('a', 'end'))).toBeNull()
  })

  it.each([
    ['to itself', wire('a', 'a'), 'itself'],
    ['into a start', wire('a', 'start'), 'nothing can lead into it'],
    ['out of an end', wire('end', 'a'), 'nothing can follow it'],
    ['across a border', wire('a', 'b'), 'container'],
    ['a second time', wire('start', 'a'), 'already leads'],
    ['in a circle', wire('each', 'a'), 'circle'],
    ['from a port that is not there', wire('a', 'end', 'true'), 'no output “true”'],
    ['into a port that is not there', wire('a', 'end', 'out', 'left'), 'no input “left”'],
    ['to a step that is gone', wire('a', 'nobody'), 'no longer exists'],
  ])('is refused %s, with the reason', (_, one, reason) => {
    expect(refusal(sample(), TYPES, one)).toContain(reason)
  })

  it('follows ports made from params, and the error port', () => {
    const cases = [{ equals: 1, port: 'one' }]
    const definition = addToScope(sample(), null, [
      node('s', 'switch', { params: { cases }, on_error: 'error' }),
    ])
    for (const port of ['one', 'default', 'error']) {
      expect(refusal(definition, TYPES, wire('s', 'end', port))).toBeNull()
    }
    expect(refusal(definition, TYPES, wire('s', 'end', 'two'))).not.toBeNull()
  })

  it('of an unknown type still works, so that nothing drawn is stuck', () => {
    const definition = addToScope(sample(), null, [node('x', 'from_the_future')])
    expect(refusal(definition, TYPES, wire('a', 'x'))).toBeNull()
    expect(refusal(definition, TYPES, wire('x', 'end'))).toBeNull()
  })

  it('never closes a circle, whatever was drawn before', () => {
    for (let seed = 0; seed < 100; seed++) {
      let definition = randomDefinition(seed)
      for (const { node: from } of places(definition).values()) {
        const port = from.type === 'if' ? 'false' : 'out'
        for (const one of targetsOf(definition, TYPES, from.id, port).slice(0, 3)) {
          if (refusal(definition, TYPES, one) !== null) continue
          definition = addEdge(
            definition,
            edge(`x${from.id}${one.target}`, one.source, one.target, port),
          )
        }
      }
      for (const id of places(definition).keys())
        expect(downstreamOf(definition, id).has(id)).toBe(false)
    }
  })
})

describe('a start', () => {
  it('is placed once, and not in a body', () => {
    expect(placementRefusal(sample(), TYPES, 'start', null)).toContain('one start')
    expect(placementRefusal({ nodes: [] }, TYPES, 'start', null)).toBeNull()
    expect(placementRefusal({ nodes: [] }, TYPES, 'start', 'each')).not.toBeNull()
    expect(placementRefusal(sample(), TYPES, 'end', null)).toBeNull()
  })
})
