/** A node's ports and title, derived from its type and raw params as the compiler does. */
import type { Node, NodeType, Port, PortsFrom } from '../seam'

export type NodeTypes = ReadonlyMap<string, NodeType>

export const ERROR_PORT = 'error'

/** Output ports in drawing order; the `error` port, when asked for, comes last. */
export function outputPorts(node: Node, type: NodeType | undefined): readonly Port[] {
  const { outputs, outputs_from } = portsCase(node, type)
  const ports: Port[] = outputs_from ? portsFrom(node, outputs_from) : []
  for (const port of outputs) if (!ports.some((p) => p.name === port.name)) ports.push(port)
  if (node.on_error === 'error') ports.push({ name: ERROR_PORT, title: 'error' })
  return ports
}

interface Case {
  readonly outputs: readonly Port[]
  readonly outputs_from?: PortsFrom | null | undefined
}

function portsCase(node: Node, type: NodeType | undefined): Case {
  if (!type) return { outputs: [{ name: 'out' }] }
  const by = type.outputs_by
  const value = by ? (node.params?.[by.param] ?? by.default) : null
  const found = typeof value === 'string' ? by?.cases[value] : undefined
  return found ? { outputs: [], ...found } : type
}

function portsFrom(node: Node, { param, key }: PortsFrom): Port[] {
  const ports: Port[] = []
  const entries = node.params?.[param]
  for (const entry of Array.isArray(entries) ? entries : []) {
    const name: unknown =
      typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>)[key] : entry
    if (typeof name === 'string' && name !== '' && !ports.some((p) => p.name === name)) {
      ports.push({ name, title: name })
    }
  }
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
