/** Which connections may be drawn, and in words an analyst understands, why not. */
import type { Definition, Edge } from '../seam'
import { bodyOf, downstreamOf, nodeOf, places, scopeOf, sourcePort, targetPort } from './document'
import { inputPorts, outputPorts, titleOf, type NodeTypes } from './ports'

export interface Wire {
  readonly source: string
  readonly sourcePort: string
  readonly target: string
  readonly targetPort: string
}

/** The reason why this wire is refused, or null when it may be drawn. */
export function refusal(definition: Definition, types: NodeTypes, wire: Wire): string | null {
  const source = nodeOf(definition, wire.source)
  const target = nodeOf(definition, wire.target)
  if (!source || !target) return 'One end of this connection no longer exists.'
  const from = titleOf(source, types.get(source.type))
  const to = titleOf(target, types.get(target.type))
  if (source.id === target.id) return `“${from}” cannot be connected to itself.`
  const scope = scopeOf(definition, source.id)
  if (scope !== scopeOf(definition, target.id)) {
    return `“${from}” and “${to}” are not in the same container; connections cannot cross its border.`
  }
  const outputs = outputPorts(source, types.get(source.type))
  if (!outputs.some((port) => port.name === wire.sourcePort)) {
    return outputs.length === 0
      ? `“${from}” ends its path: nothing can follow it.`
      : `“${from}” has no output “${wire.sourcePort}”.`
  }
  const inputs = inputPorts(types.get(target.type))
  if (!inputs.some((port) => port.name === wire.targetPort)) {
    return inputs.length === 0
      ? `“${to}” begins a path: nothing can lead into it.`
      : `“${to}” has no input “${wire.targetPort}”.`
  }
  for (const edge of bodyOf(definition, scope).edges ?? []) {
    if (sameWire(edge, wire)) return `“${from}” already leads to “${to}”.`
  }
  if (downstreamOf(definition, target.id).has(source.id)) {
    return `“${to}” already leads to “${from}”: this would make a circle. Use a container, For each or Repeat until, to repeat steps.`
  }
  return null
}

export function sameWire(edge: Edge, wire: Wire): boolean {
  return (
    edge.source === wire.source &&
    edge.target === wire.target &&
    sourcePort(edge) === wire.sourcePort &&
    targetPort(edge) === wire.targetPort
  )
}

/** Why another node of this type may not be placed, or null. */
export function placementRefusal(
  definition: Definition,
  types: NodeTypes,
  type: string,
  scope: string | null,
): string | null {
  if (type !== 'start') return null
  if (scope !== null) return 'A container’s body begins by itself; it needs no Start.'
  for (const { node } of places(definition).values()) {
    if (node.type === 'start') {
      return `A workflow has one start: “${titleOf(node, types.get('start'))}” is there already.`
    }
  }
  return null
}

/** Every wire that could be drawn from this output, one per input port. */
export function targetsOf(
  definition: Definition,
  types: NodeTypes,
  source: string,
  port: string,
): Wire[] {
  const wires: Wire[] = []
  for (const node of bodyOf(definition, scopeOf(definition, source)).nodes ?? []) {
    for (const input of inputPorts(types.get(node.type))) {
      const wire = { source, sourcePort: port, target: node.id, targetPort: input.name }
      if (refusal(definition, types, wire) === null) wires.push(wire)
    }
  }
  return wires
}
