/** The chat models that a model field suggests; any other name may be typed. */
import type { Field } from './schema'

const KNOWN = [
  'mock',
  'openai:gpt-4.1',
  'openai:gpt-4.1-mini',
  'anthropic:claude-sonnet-4-5',
  'anthropic:claude-haiku-4-5',
  'ollama:llama3.2',
]

export function modelNames(field: Field): string[] {
  const own = typeof field.default === 'string' && field.default !== '' ? [field.default] : []
  const listed = field.choices.map((choice) => String(choice.value))
  const examples = field.examples.filter((example) => typeof example === 'string')
  const given = [...own, ...listed, ...examples]
  return [...new Set(given.length > 1 ? given : [...given, ...KNOWN])]
}
