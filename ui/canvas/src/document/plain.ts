/** JavaScript's own numbers for what the canvas draws and counts with; settings keep theirs. */
import { withPlainNumbers } from '../json'
import type { Body, Definition, Node } from '../seam'

const COUNTED = ['position', 'size', 'retry', 'timeout_ms'] as const

export function plainGeometry(definition: Definition): Definition {
  const { notes } = definition
  return {
    ...definition,
    ...plainBody(definition),
    ...(notes ? { notes: notes.map((note) => counted(note)) } : {}),
  }
}

function plainBody(body: Body): Body {
  return {
    ...body,
    ...(body.nodes ? { nodes: body.nodes.map(plainNode) } : {}),
    ...(body.groups ? { groups: body.groups.map((group) => counted(group)) } : {}),
  }
}

export function plainNode(node: Node): Node {
  const plain = counted(node)
  return plain.body ? { ...plain, body: plainBody(plain.body) } : plain
}

function counted<T extends object>(item: T): T {
  const plain = { ...item } as Record<string, unknown>
  for (const key of COUNTED) if (key in plain) plain[key] = withPlainNumbers(plain[key])
  return plain as T
}
