import { describe, expect, it } from 'vitest'
import { EMPTY_ROW, OPERATORS, isComplete, read, settled, takesValue, write, type Conditions } from './conditions'
import type { Root } from './expressions'

const roots: Root[] = [
  { name: 'input', label: '', group: '', icon: '', known: true, value: { code: '007', amount: 5 } },
]

function row(text: string): unknown {
  const found = read(text)
  return found && found.rows.map(({ left, operator, value, to }) => [left, operator, value, to].join('|').replace(/\|+$/, ''))
}

describe('a condition', () => {
  it.each([
    ['{{ input.amount > 100 }}', 'input.amount|greater|100'],
    ['{{ input.amount>=-1.5 }}', 'input.amount|greater_or_equal|-1.5'],
    ['{{ input.amount == 12345678901234567890 }}', 'input.amount|equals|12345678901234567890'],
    ['{{ input.name == "Oslo" }}', 'input.name|equals|Oslo'],
    ["{{ input.name != 'Oslo' }}", 'input.name|not_equals|Oslo'],
    ['{{ input.name == "" }}', 'input.name|equals|""'],
    ['{{ input.n == "100" }}', 'input.n|equals|"100"'],
    ['{{ input.n == null }}', 'input.n|equals|null'],
    ['{{ input.n < steps.limit.value }}', 'input.n|less|{{ steps.limit.value }}'],
    ['{{ 1 <= input.n <= 10 }}', 'input.n|between|1|10'],
    ['{{ input.c in ["NO", "SE"] }}', 'input.c|in|NO, SE'],
    ['{{ input.c not in [1, "a,b"] }}', 'input.c|not_in|1, "a,b"'],
    ['{{ input.c in vars.countries }}', 'input.c|in|{{ vars.countries }}'],
    ['{{ contains(prev.text, "urgent") }}', 'prev.text|contains|urgent'],
    ['{{ not contains(prev.text, "urgent") }}', 'prev.text|not_contains|urgent'],
    ['{{ startswith(prev.text, "a") }}', 'prev.text|starts_with|a'],
    ['{{ endswith(steps["my step"].text, "a") }}', 'steps["my step"].text|ends_with|a'],
    ['{{ default(input.x, "") in ["", [], {}] }}', 'input.x|is_empty'],
    ['{{ default(input.x, "") not in ["", [], {}] }}', 'input.x|is_not_empty'],
    ['{{ item.done }}', 'item.done|is_true'],
    ['{{ not item.done }}', 'item.done|is_false'],
    ['{{ len(prev.rows) > 0 }}', 'len(prev.rows)|greater|0'],
    ['{{ prev.rows | length > 0 }}', 'prev.rows | length|greater|0'],
    ['{{ index - 1 == -2 }}', 'index - 1|equals|-2'],
  ])('%s is shown as a row and stays what it is', (text, shown) => {
    expect(row(text)).toEqual([shown])
    const again = write(read(text)!)!
    expect(row(again)).toEqual([shown])
  })

  it('joins rows by all or any', () => {
    expect(read('{{ input.a > 1 and input.b == "x" }}')).toMatchObject({ match: 'all', rows: [{}, {}] })
    expect(read('{{ input.a > 1 or not input.b }}')).toMatchObject({ match: 'any', rows: [{}, {}] })
  })

  it.each([
    '{{ input.a and input.b or input.c }}',
    '{{ not input.a == 1 }}',
    '{{ (input.a or input.b) and input.c or input.d }}',
    '{{ 1 if input.a else 2 }}',
    '{{ "x" if input.a > 1 else "" }}',
    '{{ [row for row in prev if row.n > 1] == 1 if true else 2 }}',
    '{{ 0 < input.a < 3 }}',
    '{{ input.a < 1 < 2 }}',
    '{{ input.a == 1 }} and more',
    '{{ 100 == "a }}',
    'true',
    '{{ input.a is null }}',
    '{{ input.a == 1e3 }}',
    "{{ input.a == 'it\\'s' }}",
  ])('%s stays an expression', (text) => {
    const found = read(text)
    // What cannot be written again word by word is not shown as rows.
    if (found !== null) expect(row(write(found)!)).toEqual(row(text))
    if (text.includes(' if ') || text.includes('and more') || text.includes('is null'))
      expect(found).toBeNull()
  })

  it('is nothing yet without a complete row', () => {
    expect(read('')).toEqual({ match: 'all', rows: [] })
    expect(read(true)).toBeNull()
    const half: Conditions = { match: 'any', rows: [EMPTY_ROW, { ...EMPTY_ROW, left: 'input.a' }] }
    expect(write(half)).toBeNull()
    expect(isComplete({ ...EMPTY_ROW, left: 'input.a', operator: 'is_true' })).toBe(true)
  })

  it('writes each operator as what it reads', () => {
    for (const { operator } of OPERATORS) {
      const value = takesValue(operator) ? 'a b' : ''
      const to = operator === 'between' ? 'c' : ''
      const rows = [{ left: 'input.x', operator, value, to }]
      expect(read(write({ match: 'all', rows }))).toEqual({ match: 'all', rows })
    }
  })

  it('takes a number as a text where a text is known', () => {
    const row = { left: 'input.code', operator: 'equals', value: '7', to: '' } as const
    expect(write({ match: 'all', rows: [row] })).toBe('{{ input.code == 7 }}')
    expect(settled(row, roots).value).toBe('"7"')
    expect(settled({ ...row, left: 'input.amount' }, roots).value).toBe('7')
  })
})
