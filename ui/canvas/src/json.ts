/**
 * JSON without loss: the one door for people's data, in and out.
 *
 * A number that JavaScript would write back as it was is a plain number. Any other, such as a whole
 * number beyond 2^53, `1.0` or `1e400`, is an ExactNumber, which keeps the digits it came with.
 */
import { parse as parseExact, stringify as stringifyExact } from 'lossless-json'

/** A number in the words of its JSON text. */
export class ExactNumber {
  constructor(readonly text: string) {
    // Frozen, so that Vue hands out the number itself and never a proxy of it.
    Object.freeze(this)
  }

  /** The nearest number that JavaScript has, for sums and comparisons. */
  valueOf(): number {
    return Number(this.text)
  }

  toString(): string {
    return this.text
  }

  /** For JSON.stringify of browsers that can write a number's own digits. */
  toJSON(): unknown {
    return rawJson === undefined ? Number(this.text) : rawJson(this.text)
  }
}

/** Of ES2026; without it the library writes, which takes longer. */
const { rawJSON: rawJson } = JSON as { rawJSON?: (text: string) => unknown }

export type JsonNumber = number | ExactNumber

/** What may be a number wherever a value is expected: a look-alike in a text costs only time. */
const NUMBERS = /(?:^|[[:,\s])(-?\d[\d.eE+-]*)(?=[\s,\]}]|$)/g
const TYPED = /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?$/

/** Throws SyntaxError, as JSON.parse does. */
export function parse(text: string): unknown {
  if (!hasExact(text)) return JSON.parse(text)
  if (tellsSource()) return JSON.parse(text, revived)
  JSON.parse(text) // The library is not as strict.
  return parseExact(text, null, { parseNumber: exact, onDuplicateKey: ({ newValue }) => newValue })
}

/** Browsers since 2025 tell a number's own digits, at a fifth of the library's time. */
function revived(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined ? exact(source) : value
}

function tellsSource(): boolean {
  return JSON.parse('1.0', (_key, _value, context?: { source?: string }) => context?.source) === '1.0'
}

/** Throws nothing for data that was parsed; undefined for undefined, as JSON.stringify. */
export function stringify(value: unknown, space?: number): string {
  return rawJson === undefined
    ? (stringifyExact(value, undefined, space, EXACT) as string)
    : JSON.stringify(value, null, space)
}

const EXACT = [
  {
    test: (value: unknown): boolean => value instanceof ExactNumber,
    stringify: (value: unknown): string => (value as ExactNumber).text,
  },
]

function exact(text: string): JsonNumber {
  const value = Number(text)
  return String(value) === text ? value : new ExactNumber(text)
}

function hasExact(text: string): boolean {
  for (const match of text.matchAll(NUMBERS)) {
    const number = match[1]!
    if (String(Number(number)) !== number) return true
  }
  return false
}

/** A number as a person writes it; null for what JSON would not call a number. */
export function readNumber(text: string): JsonNumber | null {
  const [, sign, whole, part, power] = TYPED.exec(text.trim()) ?? []
  if (whole === undefined || (whole === '' && !part)) return null
  const minus = sign === '-' ? '-' : ''
  return exact(`${minus}${whole.replace(/^0+(?=\d)/, '') || '0'}${part ? `.${part}` : ''}${power ?? ''}`)
}

export function isNumber(value: unknown): value is JsonNumber {
  return typeof value === 'number' || value instanceof ExactNumber
}

/** `1.0` as `1`, for where a whole number is asked for. */
export function asWhole(value: JsonNumber): JsonNumber {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** Whether it has no part after the point: `1.0` and `1e3` are whole, too. */
export function isWhole(value: JsonNumber): boolean {
  return Number.isInteger(Number(value))
}

/** An object with members: no list, no number. */
export function isMembers(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof ExactNumber)
  )
}

/** Less than 0, 0 or more: whole numbers by every digit, others by their nearest number. */
export function compareNumbers(left: JsonNumber, right: JsonNumber): number {
  const nearest = Number(left) - Number(right)
  if (nearest !== 0 && !Number.isNaN(nearest)) return nearest
  const [a, b] = [String(left), String(right)]
  if (!/^-?\d+$/.test(a) || !/^-?\d+$/.test(b)) return nearest || 0
  return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
}

/** A copy that shares nothing; exact numbers cannot change and stay what they are. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (!isMembers(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)])) as T
}

/** With JavaScript's numbers throughout, for what counts and draws; shares what has no others. */
export function withPlainNumbers<T>(value: T): T {
  if (value instanceof ExactNumber) return Number(value) as T
  if (Array.isArray(value)) {
    const items = (value as unknown[]).map(withPlainNumbers)
    return items.every((item, index) => item === value[index]) ? value : (items as T)
  }
  if (!isMembers(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, withPlainNumbers(item)] as const)
  return entries.every(([key, item]) => item === value[key])
    ? value
    : (Object.fromEntries(entries) as T)
}
