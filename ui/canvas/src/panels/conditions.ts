/**
 * A condition as rows that a person fills in, and as the expression that is stored.
 *
 * An expression is shown as rows only if the rows, written again, are that very expression: nothing
 * is lost by looking at it in either way.
 */
import { isNumber, parse, readNumber, stringify, type JsonNumber } from '../json'
import { inner, lookUp, segments, type Root } from './expressions'

export type Operator =
  | 'equals'
  | 'not_equals'
  | 'greater'
  | 'greater_or_equal'
  | 'less'
  | 'less_or_equal'
  | 'between'
  | 'in'
  | 'not_in'
  | 'contains'
  | 'not_contains'
  | 'starts_with'
  | 'ends_with'
  | 'is_empty'
  | 'is_not_empty'
  | 'is_true'
  | 'is_false'

export interface Row {
  /** What is looked at: a path or another expression, without braces. */
  readonly left: string
  readonly operator: Operator
  /** As it is typed; see `readValue`. */
  readonly value: string
  /** The upper limit of `between`. */
  readonly to: string
}

export interface Conditions {
  readonly match: 'all' | 'any'
  readonly rows: readonly Row[]
}

export const OPERATORS: readonly { readonly operator: Operator; readonly name: string }[] = [
  { operator: 'equals', name: 'equals' },
  { operator: 'not_equals', name: 'does not equal' },
  { operator: 'greater', name: 'is greater than' },
  { operator: 'greater_or_equal', name: 'is at least' },
  { operator: 'less', name: 'is less than' },
  { operator: 'less_or_equal', name: 'is at most' },
  { operator: 'between', name: 'is between' },
  { operator: 'in', name: 'is one of' },
  { operator: 'not_in', name: 'is none of' },
  { operator: 'contains', name: 'contains' },
  { operator: 'not_contains', name: 'does not contain' },
  { operator: 'starts_with', name: 'starts with' },
  { operator: 'ends_with', name: 'ends with' },
  { operator: 'is_empty', name: 'is empty' },
  { operator: 'is_not_empty', name: 'is not empty' },
  { operator: 'is_true', name: 'is true' },
  { operator: 'is_false', name: 'is false' },
]

export const EMPTY_ROW: Row = { left: '', operator: 'equals', value: '', to: '' }

const SIGNS: Partial<Record<Operator, string>> = {
  equals: '==',
  not_equals: '!=',
  greater: '>',
  greater_or_equal: '>=',
  less: '<',
  less_or_equal: '<=',
  in: 'in',
  not_in: 'not in',
}
const CALLS: Partial<Record<Operator, string>> = {
  contains: 'contains',
  not_contains: 'contains',
  starts_with: 'startswith',
  ends_with: 'endswith',
}
const ALONE: ReadonlySet<Operator> = new Set(['is_empty', 'is_not_empty', 'is_true', 'is_false'])
const EMPTIES = '["", [], {}]'

export function takesValue(operator: Operator): boolean {
  return !ALONE.has(operator)
}

export function isList(operator: Operator): boolean {
  return operator === 'in' || operator === 'not_in'
}

/** Whether a row says all that it needs to become part of the expression. */
export function isComplete(row: Row): boolean {
  if (row.left.trim() === '' || tokens(row.left) === null) return false
  if (!takesValue(row.operator)) return true
  return row.value.trim() !== '' && (row.operator !== 'between' || row.to.trim() !== '')
}

// ---- writing ------------------------------------------------------------------------------------

/** The field's text; null while no row is complete. */
export function write(conditions: Conditions): string | null {
  const parts = conditions.rows.filter(isComplete).map(writeRow)
  if (parts.length === 0) return null
  return `{{ ${parts.join(conditions.match === 'all' ? ' and ' : ' or ')} }}`
}

function writeRow(row: Row): string {
  const left = row.left.trim()
  const call = CALLS[row.operator]
  switch (row.operator) {
    case 'is_true':
      return left
    case 'is_false':
      return `not ${left}`
    case 'is_empty':
      return `default(${left}, "") in ${EMPTIES}`
    case 'is_not_empty':
      return `default(${left}, "") not in ${EMPTIES}`
    case 'between':
      return `${writeValue(row.value)} <= ${left} <= ${writeValue(row.to)}`
    case 'in':
    case 'not_in':
      return `${left} ${SIGNS[row.operator]!} ${writeList(row.value)}`
    default:
      if (call === undefined) return `${left} ${SIGNS[row.operator]!} ${writeValue(row.value)}`
      return `${row.operator === 'not_contains' ? 'not ' : ''}${call}(${left}, ${writeValue(row.value)})`
  }
}

const CONSTANTS: ReadonlySet<string> = new Set(['true', 'false', 'null'])

/** `100`, `true` and `null` are what they look like, `"100"` and all else texts, `{{ … }}` data. */
function writeValue(typed: string): string {
  const text = typed.trim()
  const parts = segments(text)
  if (parts.length === 1 && parts[0]?.expression) return inner(text)
  if (isQuoted(text)) return text
  if (CONSTANTS.has(text)) return text
  const number = plainNumber(text)
  return number === null ? stringify(text) : String(number)
}

function writeList(typed: string): string {
  const text = typed.trim()
  const parts = segments(text)
  if (parts.length === 1 && parts[0]?.expression) return inner(text)
  return `[${splitList(text).map(writeValue).join(', ')}]`
}

function splitList(text: string): string[] {
  const items = text.match(/\s*(?:"(?:[^"\\]|\\.)*"|\{\{[\s\S]*?\}\}|[^,]+)/g) ?? []
  return items.map((item) => item.trim()).filter((item) => item !== '')
}

/** A number in the place of what is known to be a text, such as a code `007`, is a text itself. */
export function settled(row: Row, roots: readonly Root[]): Row {
  const known = lookUp(roots, row.left)
  if (!known.known || typeof known.value !== 'string' || isList(row.operator)) return row
  const text = (typed: string): string =>
    plainNumber(typed.trim()) === null ? typed : stringify(typed.trim())
  return { ...row, value: text(row.value), to: text(row.to) }
}

function isQuoted(text: string): boolean {
  return /^"(?:[^"\\]|\\.)*"$/.test(text)
}

function plainNumber(text: string): JsonNumber | null {
  const number = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? readNumber(text) : null
  return isNumber(number) ? number : null
}

// ---- reading ------------------------------------------------------------------------------------

/** The rows that an expression is; null for one that is more than rows can say. */
export function read(value: unknown): Conditions | null {
  if (value === undefined || value === null || value === '') return { match: 'all', rows: [] }
  if (typeof value !== 'string') return null
  const parts = segments(value.trim())
  if (parts.length !== 1 || !parts[0]?.expression) return null
  const all = tokens(inner(value.trim()))
  if (all === null || all.length === 0) return null
  for (const match of ['all', 'any'] as const) {
    const pieces = split(all, match === 'all' ? 'and' : 'or')
    const rows = pieces.map(readRow)
    if (!rows.every((row) => row !== null)) continue
    const conditions = { match, rows }
    if (isSame(write(conditions), all)) return conditions
  }
  return null
}

function isSame(written: string | null, all: readonly string[]): boolean {
  const again = written === null ? null : tokens(inner(written))
  return again !== null && again.length === all.length && again.every((part, at) => part === all[at])
}

const TOKEN =
  /\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[^\W\d]\w*|==|!=|<=|>=|\/\/|\*\*|[-+*/%<>()[\]{},.:|])/uy

/** The words of an expression; null where it has something else. Texts are all in double quotes. */
function tokens(source: string): string[] | null {
  const found: string[] = []
  const text = source.trim()
  TOKEN.lastIndex = 0
  let depth = 0
  while (TOKEN.lastIndex < text.length) {
    const token = TOKEN.exec(text)?.[1]
    if (token === undefined) return null
    if ('([{'.includes(token)) depth++
    if (')]}'.includes(token) && --depth < 0) return null
    // A quote of the other kind is the same text; one with quotes or escapes inside stays as it is.
    found.push(/^'[^'"\\]*'$/.test(token) ? `"${token.slice(1, -1)}"` : token)
  }
  return depth === 0 ? found : null
}

function split(all: readonly string[], word: string): string[][] {
  const pieces: string[][] = [[]]
  let depth = 0
  for (const token of all) {
    if ('([{'.includes(token)) depth++
    if (')]}'.includes(token)) depth--
    if (depth === 0 && token === word) pieces.push([])
    else pieces.at(-1)!.push(token)
  }
  return pieces
}

function readRow(all: readonly string[]): Row | null {
  const row = readCall(all) ?? readComparison(all)
  return row !== null && isOperand(tokens(row.left) ?? []) ? row : null
}

/** Words that join or choose: what holds them at its top is no operand of a comparison. */
const JOINING: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'if', 'else', 'for', 'is', 'lambda', '==', '!=', '<', '<=', '>', '>=', ','])

function isOperand(all: readonly string[]): boolean {
  let depth = 0
  for (const token of all) {
    if (')]}'.includes(token)) depth--
    if (depth === 0 && JOINING.has(token)) return false
    if ('([{'.includes(token)) depth++
  }
  return all.length > 0
}

function readCall(all: readonly string[]): Row | null {
  const negated = all[0] === 'not'
  const [name, open, ...rest] = negated ? all.slice(1) : all
  const operator = (Object.keys(CALLS) as Operator[]).find(
    (one) => CALLS[one] === name && (one === 'not_contains') === negated,
  )
  if (operator === undefined || open !== '(' || rest.at(-1) !== ')') return null
  const [left, right, ...more] = split(rest.slice(0, -1), ',')
  if (!left || !right || more.length > 0 || !isOperand(right)) return null
  return { left: join(left), operator, value: showValue(right), to: '' }
}

function readComparison(all: readonly string[]): Row | null {
  const at = all.findIndex((token, index) => isSign(token) && depthAt(all, index) === 0)
  if (at < 0) {
    const negated = all[0] === 'not'
    const left = join(negated ? all.slice(1) : all)
    return { left, operator: negated ? 'is_false' : 'is_true', value: '', to: '' }
  }
  const negated = all[at] === 'in' && all[at - 1] === 'not'
  const left = all.slice(0, negated ? at - 1 : at)
  const right = all.slice(at + 1)
  const sign = negated ? 'not in' : all[at]!
  const second = right.findIndex((token, index) => isSign(token) && depthAt(right, index) === 0)
  if (second >= 0) {
    if (sign !== '<=' || right[second] !== '<=') return null
    const to = right.slice(second + 1)
    if (!isOperand(left) || !isOperand(to)) return null
    return { left: join(right.slice(0, second)), operator: 'between', value: showValue(left), to: showValue(to) }
  }
  if (sign.endsWith('in') && join(right) === join(tokens(EMPTIES)!)) {
    const empty = /^default\(([\s\S]*), ""\)$/.exec(join(left))?.[1]
    if (empty !== undefined)
      return { left: empty, operator: negated ? 'is_not_empty' : 'is_empty', value: '', to: '' }
  }
  const operator = (Object.keys(SIGNS) as Operator[]).find((one) => SIGNS[one] === sign)
  if (operator === undefined || !isOperand(right)) return null
  const value = isList(operator) ? showList(right) : showValue(right)
  return value === null ? null : { left: join(left), operator, value, to: '' }
}

function isSign(token: string): boolean {
  return ['==', '!=', '<', '<=', '>', '>=', 'in'].includes(token)
}

function depthAt(all: readonly string[], index: number): number {
  let depth = 0
  for (const token of all.slice(0, index)) {
    if ('([{'.includes(token)) depth++
    if (')]}'.includes(token)) depth--
  }
  return depth
}

const SPECIAL = /["{}$\\]/
/** Commas stand between the items of a list. */
const SPECIAL_IN_LIST = /["{}$\\,]/

function showValue(all: readonly string[], special = SPECIAL): string {
  const [first, ...rest] = all
  if (first === undefined) return ''
  if (rest.length === 0 || (first === '-' && rest.length === 1)) {
    const word = all.join('')
    if (CONSTANTS.has(word) || plainNumber(word) !== null) return word
    if (isQuoted(word)) return showText(word, special)
  }
  return `{{ ${join(all)} }}`
}

/** Without quotes where nothing else could be meant. */
function showText(quoted: string, special: RegExp): string {
  const text = parse(quoted) as string
  const plain =
    text !== '' &&
    text === text.trim() &&
    !CONSTANTS.has(text) &&
    plainNumber(text) === null &&
    !special.test(text)
  return plain ? text : quoted
}

function showList(all: readonly string[]): string | null {
  if (all[0] !== '[' || all.at(-1) !== ']') return `{{ ${join(all)} }}`
  const items = split(all.slice(1, -1), ',')
  return items.every(isOperand) ? items.map((item) => showValue(item, SPECIAL_IN_LIST)).join(', ') : null
}

const TIGHT_BEFORE = new Set([')', ']', '}', ',', '.', ':', '[', '('])
const TIGHT_AFTER = new Set(['(', '[', '{', '.'])

/** Words as one would write them. */
function join(all: readonly string[]): string {
  let text = ''
  all.forEach((token, at) => {
    const before = all[at - 1]
    const opensCall = (token === '(' || token === '[') && before !== undefined && !/^[\w"'\])]/u.test(before.at(-1)!)
    const tight =
      before === undefined ||
      TIGHT_AFTER.has(before) ||
      (TIGHT_BEFORE.has(token) && !opensCall) ||
      (before === '-' && (at === 1 || !/^[\w"'\])]/u.test(all[at - 2]!.at(-1)!)))
    text += tight ? token : ` ${token}`
  })
  return text
}
