/** A node whose settings take ports away loses the edges of those ports. */
import type { Definition } from '../seam'
import { edgesOf, nodeOf, remove, sourcePort, targetPort } from './document'
import { isContainer } from './geometry'
import { inputPorts, outputPorts, type NodeTypes } from './ports'

/** Edges from ports that a node no longer has would be invisible: they go with their port. */
export function prune(definition: Definition, types: NodeTypes, id: string): Definition {
  const node = nodeOf(definition, id)
  if (!node || isContainer(node, types.get(node.type))) return definition
  const type = types.get(node.type)
  const outputs = new Set(outputPorts(node, type).map(({ name }) => name))
  const inputs = new Set(inputPorts(type).map(({ name }) => name))
  const lost = edgesOf(definition)
    .filter(
      ({ edge }) =>
        (edge.source === id && !outputs.has(sourcePort(edge))) ||
        (edge.target === id && !inputs.has(targetPort(edge))),
    )
    .map(({ edge }) => edge.id)
  return lost.length ? remove(definition, new Set(lost)) : definition
}
