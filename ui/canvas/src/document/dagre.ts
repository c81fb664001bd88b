/** Dagre behind one function, in a chunk of its own that is loaded on first use. */
import { Graph, layout } from '@dagrejs/dagre'
import type { Position, Size } from '../seam'
import { snap } from './geometry'

export function arrange(
  boxes: readonly ({ readonly id: string } & Size)[],
  links: readonly (readonly [string, string])[],
): Map<string, Position> {
  const graph = new Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 48, ranksep: 96, marginx: 0, marginy: 0 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height })
  links.forEach(([source, target], index) => graph.setEdge(source, target, {}, String(index)))
  layout(graph)
  return new Map(
    boxes.map(({ id, width, height }) => {
      const { x, y } = graph.node(id) as Position
      return [id, { x: snap(x - width / 2), y: snap(y - height / 2) }]
    }),
  )
}
