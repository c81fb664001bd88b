/** Node types and drawings for tests: fixed ones, and random ones from a seed. */
import type { Body, Definition, Edge, Node, NodeType } from '../seam'

function type(name: string, extra: Partial<NodeType> = {}): NodeType {
  return {
    type: name,
    title: name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' '),
    description: '',
    category: 'flow',
    icon: 'circle',
    params_schema: { type: 'object', properties: {}, required: [] },
    inputs: [{ name: 'in' }],
    outputs: [{ name: 'out' }],
    ...extra,
  }
}

export const TYPES: ReadonlyMap<string, NodeType> = new Map(
  [
    type('start', { inputs: [] }),
    type('end', { outputs: [] }),
    type('if', { outputs: [{ name: 'true' }, { name: 'false' }] }),
    type('switch', {
      outputs: [{ name: 'default' }],
      outputs_from: { param: 'cases', key: 'port' },
    }),
    type('merge'),
    type('template', { category: 'data' }),
    type('prompt', { category: 'ai' }),
    type('for_each', { container: true }),
  ].map((one) => [one.type, one]),
)

export function node(id: string, kind = 'template', extra: Partial<Node> = {}): Node {
  return { id, type: kind, name: id, params: {}, position: { x: 0, y: 0 }, ...extra }
}

export function edge(id: string, source: string, target: string, port = 'out'): Edge {
  return { id, source, source_port: port, target, target_port: 'in' }
}

/** start → a → each(b → c) → end, and a note. */
export function sample(): Definition {
  return {
    inputs: {},
    variables: {},
    nodes: [
      node('start', 'start'),
      node('a', 'template', { position: { x: 320, y: 0 }, params: { text: 'Hi' } }),
      node('each', 'for_each', {
        position: { x: 640, y: 0 },
        size: { width: 640, height: 272 },
        body: {
          nodes: [
            node('b', 'template', { position: { x: 48, y: 96 } }),
            node('c', 'prompt', {
              position: { x: 352, y: 96 },
              params: { prompt: '{{ steps.b.text }} of {{ item }}' },
            }),
          ],
          edges: [edge('e3', 'b', 'c')],
        },
      }),
      node('end', 'end', { position: { x: 1376, y: 0 } }),
    ],
    edges: [edge('e1', 'start', 'a'), edge('e2', 'a', 'each'), edge('e4', 'each', 'end')],
    notes: [{ id: 'note', text: '# Hello', position: { x: 0, y: 320 } }],
  }
}

/** The same numbers for the same seed. */
export function random(seed: number): () => number {
  let state = seed * 2654435761 + 1
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

export function randomDefinition(seed: number): Definition {
  const next = random(seed)
  let count = 0
  const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!
  const body = (depth: number): Body => {
    const nodes: Node[] = []
    const edges: Edge[] = []
    for (let i = 0; i < 1 + Math.floor(next() * 5); i++) {
      const kind = pick(
        depth < 2 ? ['template', 'if', 'merge', 'for_each'] : ['template', 'if', 'merge'],
      )
      const made = node(`n${++count}`, kind, {
        position: { x: Math.floor(next() * 900), y: Math.floor(next() * 900) },
      })
      const earlier = nodes.length ? pick(nodes) : null
      nodes.push(kind === 'for_each' ? { ...made, body: body(depth + 1) } : made)
      if (earlier && next() < 0.8) {
        edges.push(edge(`e${++count}`, earlier.id, made.id, earlier.type === 'if' ? 'true' : 'out'))
      }
    }
    return { nodes, edges }
  }
  const notes = next() < 0.5 ? [{ id: 'note', text: 'x', position: { x: 5, y: 7 } }] : []
  return { inputs: {}, variables: {}, ...body(0), notes }
}
