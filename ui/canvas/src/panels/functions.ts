/**
 * The functions of the expression language, as graphs/language/functions says them;
 * tests/ui/test_canvas_functions.py holds this list against the code.
 */
import type { Offer } from './expressions'

export interface NamedFunction {
  readonly name: string
  readonly signature: string
  readonly help: string
}

export const FUNCTIONS: readonly NamedFunction[] = [
  { name: 'abs', signature: '(value)', help: 'The number without its sign.' },
  { name: 'all', signature: '(values)', help: 'Whether all items of the list are true.' },
  { name: 'any', signature: '(values)', help: 'Whether any item of the list is true.' },
  {
    name: 'avg',
    signature: '(values)',
    help: 'The mean of a list of numbers; null for an empty list.',
  },
  {
    name: 'bool',
    signature: '(value)',
    help: 'False for null, 0, false and what is empty; true for the rest.',
  },
  { name: 'ceil', signature: '(value)', help: 'The next higher whole number.' },
  {
    name: 'contains',
    signature: '(whole, part)',
    help: 'Whether a text has the part, a list the item, or an object the field.',
  },
  {
    name: 'date_add',
    signature: "(value, amount, unit='days', zone=None)",
    help:
      'A date moved by seconds, minutes, hours, days, weeks, months, quarters or years, in `zone`.',
  },
  {
    name: 'date_diff',
    signature: "(later, earlier, unit='days')",
    help:
      'The time from `earlier` to `later` in seconds to weeks, or whole months, quarters, years.',
  },
  {
    name: 'default',
    signature: '(value, fallback)',
    help: 'The value, or `fallback` when it is null or missing.',
  },
  { name: 'endswith', signature: '(text, end)', help: 'Whether the text ends so.' },
  {
    name: 'first',
    signature: '(values)',
    help: 'The first item of a list or character of a text; null when empty.',
  },
  { name: 'flatten', signature: '(values)', help: 'A list of lists as one list, one level deep.' },
  {
    name: 'float',
    signature: "(value, point='.')",
    help: 'A text or a number as a number with a point; `point` is the decimal sign of the text.',
  },
  { name: 'floor', signature: '(value)', help: 'The next lower whole number.' },
  {
    name: 'format_date',
    signature: "(value, pattern='%Y-%m-%d', zone=None)",
    help: 'A date as text by a pattern of %Y %m %d %H %M %S %A %B, in a zone such as Europe/Oslo.',
  },
  {
    name: 'format_number',
    signature: "(value, digits=0, separator=',', point=None)",
    help: "A number with `digits` after the `point` (a comma beside a '.') and grouped thousands.",
  },
  { name: 'from_json', signature: '(text)', help: 'The value that a JSON text describes.' },
  {
    name: 'get',
    signature: '(value, key, fallback=None)',
    help: 'A field of an object or an item of a list, or `fallback` when it is not there.',
  },
  {
    name: 'in_zone',
    signature: '(value, zone)',
    help: 'A moment as clocks show it in a time zone: 2024-07-02T00:30:00+02:00 for Europe/Oslo.',
  },
  {
    name: 'int',
    signature: "(value, point='.')",
    help: 'A text or a number as a whole number, the part after the decimal sign `point` cut off.',
  },
  { name: 'items', signature: '(value)', help: "An object's fields as `[name, value]` pairs." },
  {
    name: 'join',
    signature: "(values, separator='')",
    help: 'The items of a list as one text, with the separator between them.',
  },
  { name: 'keys', signature: '(value)', help: "An object's field names." },
  {
    name: 'last',
    signature: '(values)',
    help: 'The last item of a list or character of a text; null when empty.',
  },
  { name: 'len', signature: '(value)', help: 'How many characters, items or fields there are.' },
  {
    name: 'list',
    signature: '(value)',
    help: "A text's characters, an object's keys, or the list itself.",
  },
  { name: 'lower', signature: '(text)', help: 'In small letters.' },
  {
    name: 'max',
    signature: '(*values)',
    help: 'The largest of a list or of the arguments; null when there is none.',
  },
  {
    name: 'min',
    signature: '(*values)',
    help: 'The smallest of a list or of the arguments; null when there is none.',
  },
  {
    name: 'now',
    signature: "(zone='UTC')",
    help: 'The present moment, such as 2026-11-20T09:30:00Z; `zone` is one like Europe/Oslo.',
  },
  {
    name: 'parse_date',
    signature: "(text, pattern, zone='UTC')",
    help: 'A text such as 31.12.2024 as a date, read by %d.%m.%Y; with a time of day in `zone`.',
  },
  { name: 'pluck', signature: '(values, key)', help: 'One field of every object in a list.' },
  {
    name: 'range',
    signature: '(start, stop=None, step=1)',
    help: 'Whole numbers from `start` (0 when left out) up to, not with, `stop`.',
  },
  {
    name: 'replace',
    signature: '(text, old, new)',
    help: 'Every `old` in the text replaced by `new`.',
  },
  { name: 'reversed', signature: '(values)', help: 'A list or a text from back to front.' },
  {
    name: 'round',
    signature: '(value, digits=0)',
    help: 'Rounded to so many digits after the point.',
  },
  {
    name: 'sorted',
    signature: '(values, key=None, descending=False)',
    help: 'A list in order; of objects by the field `key`; `descending=true` turns it round.',
  },
  {
    name: 'split',
    signature: '(text, separator=None)',
    help: 'A text cut at each separator; without one, at white space.',
  },
  { name: 'startswith', signature: '(text, start)', help: 'Whether the text begins so.' },
  {
    name: 'str',
    signature: '(value)',
    help: 'The value as text; lists and objects as JSON, null as an empty text.',
  },
  { name: 'sum', signature: '(values)', help: 'The numbers of a list added up.' },
  { name: 'title', signature: '(text)', help: 'Each Word With A Capital.' },
  { name: 'to_json', signature: '(value)', help: 'The value as JSON text.' },
  {
    name: 'today',
    signature: "(zone='UTC')",
    help: 'The present day in a time zone, such as 2026-11-20.',
  },
  { name: 'trim', signature: '(text)', help: 'Without white space at both ends.' },
  {
    name: 'truncate',
    signature: "(text, length, end='…')",
    help: 'At most `length` characters; `end` is put where something was cut off.',
  },
  { name: 'unique', signature: '(values)', help: 'A list without repeated items.' },
  { name: 'upper', signature: '(text)', help: 'In capitals.' },
  { name: 'url_encode', signature: '(value)', help: 'The value as a part of a web address.' },
  { name: 'values', signature: '(value)', help: "An object's values." },
]

/** What may follow `|`: the value before it is the first argument. */
export function filterOffersAfterPipe(): Offer[] {
  return FUNCTIONS.filter((item) => item.signature !== '()').map((item) => ({
    path: needsMore(item) ? `${item.name}()` : item.name,
    label: item.help,
    group: 'Change the value',
    icon: 'functions',
    type: '',
    preview: '',
  }))
}

export function functionOffers(): Offer[] {
  return FUNCTIONS.map((item) => ({
    path: `${item.name}()`,
    label: item.help,
    group: 'Functions',
    icon: 'functions',
    type: '',
    preview: '',
  }))
}

/** Whether there is a second argument that must be given. */
function needsMore(item: NamedFunction): boolean {
  const [, second] = item.signature.slice(1, -1).split(',')
  return second !== undefined && !second.includes('=') && !second.includes('*')
}
