/** What a card says about its settings before there is a run: the one that matters most. */
import { isNumber } from '../json'
import type { Definition, Node, NodeType } from '../seam'
import { plural } from '../plural'

const TELLING = ['condition', 'value', 'url', 'text', 'prompt', 'items', 'message', 'output']

export function paramsSummary(
  node: Node,
  type: NodeType | undefined,
  definition: Definition,
): string {
  if (node.type === 'start') return inputsSummary(definition)
  const params = node.params ?? {}
  if (node.type === 'wait' && params['duration_ms'] !== undefined) {
    return `${String(params['duration_ms'])} ms`
  }
  if (node.type === 'http_request' && params['url']) {
    return `${String(params['method'] ?? 'GET')} ${String(params['url'])}`
  }
  // Its setting is an id, which says nothing to people.
  if (node.type === 'workflow' && params['workflow_id']) {
    const version = params['version'] ?? 'active'
    return version === 'active' ? 'The active version' : `Version ${String(version)}`
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
  const needed = type?.params_schema.required ?? []
  return needed.length ? 'Not set up yet' : firstSentence(type?.description ?? '')
}

function inputsSummary(definition: Definition): string {
  const names = Object.keys((definition.inputs?.['properties'] ?? {}) as object)
  return names.length ? `Inputs: ${names.join(', ')}` : 'No inputs'
}

function firstSentence(text: string): string {
  return (/^.*?[.!?](?=\s|$)/s.exec(text)?.[0] ?? text).replace(/\s+/g, ' ').trim()
}

function brief(value: unknown): string {
  if (typeof value === 'string') return value.replace(/\s+/g, ' ').trim()
  if (isNumber(value) || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.length ? plural(value.length, 'entry', 'entries') : ''
  if (typeof value === 'object' && value !== null) return Object.keys(value).join(', ')
  return ''
}
