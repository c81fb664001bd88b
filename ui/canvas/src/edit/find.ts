/** Searching the drawing: steps by name, type, id and what is written in their settings; notes. */
import { isNumber } from '../json'
import type { Definition, Node, Schema } from '../seam'
import { ORIGIN, absolutePosition, places } from '../document/document'
import { titleOf, type NodeTypes } from '../document/ports'

export interface Hit {
  /** Of the step or note. */
  readonly id: string
  readonly title: string
  /** Where the words are: `Name`, `Type`, `Id`, `Note`, or the setting's title. */
  readonly where: string
  /** The place's text around the first word. */
  readonly text: string
}

/** Around the words that were found. */
const AROUND = 48

/**
 * Hits in reading order, left to right; a step is one hit, however often it has the words. All
 * words must be in the same place.
 */
export function findSteps(definition: Definition, types: NodeTypes, query: string): readonly Hit[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const found: { hit: Hit; x: number; y: number }[] = []
  for (const { node } of places(definition).values()) {
    const type = types.get(node.type)
    const title = titleOf(node, type)
    for (const [where, text] of textsOf(node, types)) {
      const at = placeOf(text, words)
      if (at < 0) continue
      const hit = { id: node.id, title, where, text: around(text, at) }
      found.push({ hit, ...absolutePosition(definition, node.id) })
      break
    }
  }
  for (const note of definition.notes ?? []) {
    const text = note.text ?? ''
    const at = placeOf(text, words)
    if (at < 0) continue
    const hit = { id: note.id, title: 'Note', where: 'Note', text: around(text, at) }
    found.push({ hit, ...(note.position ?? ORIGIN) })
  }
  return found.sort((a, b) => a.x - b.x || a.y - b.y).map(({ hit }) => hit)
}

/** Names first, so that the place that is told is the most telling one. */
function* textsOf(node: Node, types: NodeTypes): Generator<readonly [string, string]> {
  const type = types.get(node.type)
  yield ['Name', titleOf(node, type)]
  yield ['Type', `${type?.title ?? ''} ${node.type}`.trim()]
  yield ['Id', node.id]
  for (const [name, value] of Object.entries(node.params ?? {})) {
    const schema = type?.params_schema.properties?.[name] as Schema | undefined
    const parts: string[] = []
    collect(value, parts, schema === undefined || hasOwnKeys(schema))
    yield [schema?.title ?? name, parts.join('\n')]
  }
}

/** Whether people chose the keys themselves; those of lists of conditions and the like say nothing. */
function hasOwnKeys(schema: Schema): boolean {
  const widget = schema['x-widget']
  return widget === 'key_value' || widget === 'json' || Boolean(schema.additionalProperties)
}

/** Every text and number of a setting, and its keys where they are `named` by people. */
function collect(value: unknown, parts: string[], named: boolean): void {
  if (typeof value === 'string') parts.push(value)
  else if (isNumber(value) || typeof value === 'boolean') parts.push(String(value))
  else if (Array.isArray(value)) for (const one of value) collect(one, parts, named)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      if (named) parts.push(key)
      collect(one, parts, named)
    }
  }
}

/** Where the first of the words is, when all are there; else -1. */
function placeOf(text: string, words: readonly string[]): number {
  const low = text.toLowerCase()
  let first = Infinity
  for (const word of words) {
    const at = low.indexOf(word)
    if (at < 0) return -1
    first = Math.min(first, at)
  }
  return first
}

function around(text: string, at: number): string {
  const from = Math.max(0, at - AROUND / 2)
  const to = Math.min(text.length, from + 2 * AROUND)
  const piece = text.slice(from, to).replace(/\s+/g, ' ').trim()
  return `${from > 0 ? '…' : ''}${piece}${to < text.length ? '…' : ''}`
}
