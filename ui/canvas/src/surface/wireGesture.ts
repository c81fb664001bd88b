/** Drawing a wire: which nodes would take it, why the one under the pointer does not, where it ends. */
import type { Connection, OnConnectStartParams } from '@vue-flow/core'
import type { Ref } from 'vue'
import { targetsOf, type Wire } from '../document/connect'
import { nodeOf, places } from '../document/document'
import { CARD_WIDTH } from '../document/geometry'
import { inputPorts, outputPorts } from '../document/ports'
import type { Loose } from '../edit/place'
import type { Editor } from '../edit/store'
import type { Position } from '../seam'
import type { Connecting } from './connecting'
import { portOfHandle } from './flow'

/** From a handle's height to its card's corner, so that a dropped wire runs straight. */
const PORT_DROP = 68

export interface WireGesture {
  started(start: OnConnectStartParams): void
  isValid(connection: Connection): boolean
  connect(connection: Connection): void
  ended(event?: MouseEvent): void
  stop(): void
}

export function wireGesture(
  store: Editor,
  connecting: Connecting,
  root: Ref<HTMLElement | null>,
  toCanvas: (client: Position) => Position,
): WireGesture {
  let connected = false

  function wireOf(loose: Loose, node: string, port: string): Wire {
    return loose.side === 'source'
      ? { source: loose.node, sourcePort: loose.port, target: node, targetPort: port }
      : { source: node, sourcePort: port, target: loose.node, targetPort: loose.port }
  }

  /** The port of a node that a wire dropped on its body means: the first that takes it. */
  function bestWire(loose: Loose, id: string): { wire: Wire; reason: string | null } | null {
    const node = nodeOf(store.definition.value, id)
    if (!node) return null
    const type = store.typeOf(node)
    const ports = loose.side === 'source' ? inputPorts(type) : outputPorts(node, type)
    const wires = ports.map((port) => wireOf(loose, id, port.name))
    const wire = wires.find((one) => store.refusal(one) === null) ?? wires[0]
    const fallback = wireOf(loose, id, loose.side === 'source' ? 'in' : 'out')
    return { wire: wire ?? fallback, reason: store.refusal(wire ?? fallback) }
  }

  function started({ nodeId, handleId, handleType }: OnConnectStartParams): void {
    const port = portOfHandle(handleId)
    if (!nodeId || port === null || !handleType) return
    connected = false
    const loose: Loose = { node: nodeId, port, side: handleType }
    connecting.from.value = loose
    const fits = new Set<string>([nodeId])
    if (handleType === 'source') {
      for (const wire of targetsOf(store.definition.value, store.nodeTypes.value, nodeId, port)) {
        fits.add(wire.target)
      }
    } else {
      for (const { node } of places(store.definition.value).values()) {
        if (bestWire(loose, node.id)?.reason === null) fits.add(node.id)
      }
    }
    connecting.targets.value = fits
    window.addEventListener('mousemove', hover)
  }

  function nodeUnder(event: MouseEvent): string | null {
    const hit = document.elementFromPoint(event.clientX, event.clientY)
    const card = hit?.closest<HTMLElement>('.wf-card, .wf-box > header, .vue-flow__handle')
    return card?.closest<HTMLElement>('[data-node-id]')?.dataset['nodeId'] ?? null
  }

  function hover(event: MouseEvent): void {
    const loose = connecting.from.value
    const over = loose && nodeUnder(event)
    const reason = loose && over && over !== loose.node ? bestWire(loose, over)?.reason : null
    const box = root.value?.getBoundingClientRect()
    connecting.hint.value =
      reason && box
        ? { text: reason, at: { x: event.clientX - box.left, y: event.clientY - box.top } }
        : null
  }

  /** Vue Flow asks for stored edges as well; what the document holds is drawn. */
  function isValid(connection: Connection): boolean {
    if ('id' in connection) return true
    const wire = toWire(connection)
    return wire !== null && store.refusal(wire) === null
  }

  function toWire(connection: Connection): Wire | null {
    const sourcePort = portOfHandle(connection.sourceHandle)
    const targetPort = portOfHandle(connection.targetHandle)
    if (sourcePort === null || targetPort === null) return null
    return { source: connection.source, sourcePort, target: connection.target, targetPort }
  }

  function connect(connection: Connection): void {
    const wire = toWire(connection)
    if (!wire) return
    connected = true
    const reason = store.connect(wire)
    if (reason !== null) store.refuse(reason)
    else store.announce('Connected')
  }

  function ended(event?: MouseEvent): void {
    window.removeEventListener('mousemove', hover)
    const loose = connecting.from.value
    connecting.from.value = null
    connecting.targets.value = null
    connecting.hint.value = null
    if (connected || !loose || !event || !('clientX' in event)) return
    const over = nodeUnder(event)
    if (over === loose.node) return
    if (over !== null) {
      const best = bestWire(loose, over)
      const reason = best ? (best.reason ?? store.connect(best.wire)) : null
      if (reason !== null) store.refuse(reason)
      else store.announce('Connected')
      return
    }
    const hit = document.elementFromPoint(event.clientX, event.clientY)
    if (!hit?.closest('.vue-flow')) return
    const client = { x: event.clientX, y: event.clientY }
    const at = toCanvas(client)
    store.quickAdd.value = {
      client,
      loose,
      at:
        loose.side === 'source'
          ? { x: at.x, y: at.y - PORT_DROP }
          : { x: at.x - CARD_WIDTH, y: at.y - PORT_DROP },
    }
  }

  function stop(): void {
    window.removeEventListener('mousemove', hover)
  }

  return { started, isValid, connect, ended, stop }
}
