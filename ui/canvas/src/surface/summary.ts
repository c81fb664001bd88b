/** What a card says about its settings before there is a run: the one that matters most. */
import type { Node, NodeType } from '../seam'

const TELLING = ['condition', 'value', 'url', 'text', 'prompt', 'items', 'message', 'output']

export function paramsSummary(node: Node, type: NodeType | undefined): string {
  const params = node.params ?? {}
  if (node.type === 'wait' && params['duration_ms'] !== undefined) {
    return `${String(params['duration_ms'])} ms`
  }
  if (node.type === 'http_request' && params['url']) {
    return `${String(params['method'] ?? 'GET')} ${String(params['url'])}`
  }
  const keys = [...TELLING, ...(type?.params_schema.required ?? [])]
  for (const key of keys) {
    const text = brief(params[key])
    if (text !== '') return text
  }
  for (const value of Object.values(params)) {
    const text = brief(value)
    if (text !== '') return text
  }
  return ''
}

function brief(value: unknown): string {
  if (typeof value === 'string') return value.replace(/\s+/g, ' ').trim()
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.length ? `${value.length} entries` : ''
  if (typeof value === 'object' && value !== null) return Object.keys(value).join(', ')
  return ''
}
