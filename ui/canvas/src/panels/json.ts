/** Reading JSON that a person types: says where it is wrong, and takes a whole expression too. */
import { parse, stringify } from '../json'
import { segments } from './expressions'

export type Parsed =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string }

export function parseJson(text: string, expressions: boolean): Parsed {
  const source = text.trim()
  if (source === '') return { ok: true, value: undefined }
  const parts = segments(source)
  if (expressions && parts.length === 1 && parts[0]?.expression === true)
    return { ok: true, value: source }
  try {
    return { ok: true, value: parse(text) }
  } catch (cause) {
    return { ok: false, message: explain(text, cause) }
  }
}

function explain(text: string, cause: unknown): string {
  if (/[:[,]\s*(\{\{|\$\{)/.test(text))
    return 'Put quotes around expressions inside JSON: "{{ … }}".'
  const message = cause instanceof Error ? cause.message : String(cause)
  const at = /position (\d+)/.exec(message)?.[1]
  if (at === undefined)
    return /end of (JSON|data)|Unterminated/i.test(message)
      ? 'The JSON is not finished: a bracket or a quote is still open.'
      : `This is not valid JSON: ${message}.`
  const before = text.slice(0, Number(at))
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  const found = text.charAt(Number(at))
  const what = found === '' ? 'the text ends too early' : `“${found}” is not expected`
  return `Line ${String(line)}, column ${String(column)}: ${what}.`
}

export function formatJson(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' && /^\s*(\{\{|\$\{)/.test(value)
    ? value
    : stringify(value, 2)
}
