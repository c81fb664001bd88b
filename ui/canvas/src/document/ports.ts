/** A node's ports and title, derived from its type and raw params as the compiler does. */
import type { Node, NodeType, Port } from '../seam'

export type NodeTypes = ReadonlyMap<string, NodeType>

export const ERROR_PORT = 'error'

/** Output ports in drawing order; the `error` port, when asked for, comes last. */
export function outputPorts(node: Node, type: NodeType | undefined): readonly Port[] {
  const fixed: readonly Port[] = type ? type.outputs : [{ name: 'out' }]
  const ports: Port[] = []
  if (type?.outputs_from) {
    const { param, key } = type.outputs_from
    const entries = node.params?.[param]
    for (const entry of Array.isArray(entries) ? entries : []) {
      const name: unknown =
        typeof entry === 'object' && entry !== null
          ? (entry as Record<string, unknown>)[key]
          : undefined
      if (typeof name === 'string' && name !== '' && !ports.some((p) => p.name === name)) {
        ports.push({ name, title: name })
      }
    }
  }
  for (const port of fixed) if (!ports.some((p) => p.name === port.name)) ports.push(port)
  if (node.on_error === 'error') ports.push({ name: ERROR_PORT, title: 'error' })
  return ports
}

export function inputPorts(type: NodeType | undefined): readonly Port[] {
  return type ? type.inputs : [{ name: 'in' }]
}

export function portTitle(port: Port): string {
  return port.title || port.name
}

export function titleOf(node: Node, type: NodeType | undefined): string {
  return node.name || type?.title || node.type
}
