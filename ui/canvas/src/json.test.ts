// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest'
import { reactive } from 'vue'
import { random } from './document/samples'
import { read, write } from './edit/clipboard'
import { Backups } from './edit/backup'
import { same } from './edit/same'
import {
  ExactNumber,
  compareNumbers,
  copyOf,
  isMembers,
  parse,
  readNumber,
  stringify,
  withPlainNumbers,
} from './json'
import { brief, lookUp, preview, typeName } from './panels/expressions'
import { formatJson, parseJson } from './panels/json'
import { cellText, order, tableOf } from './panels/data/tables'
import { treeRows } from './panels/data/tree'
import { summarise } from './run/summary'

const TELLING = [
  '7615917337495251231',
  '-98765432109876543210',
  '0.1000000000000000055',
  '1.0',
  '-0',
  '-0.0',
  '1e400',
  '1E5',
  '2.50',
  '9007199254740993',
  '123456789012345678901234567890.123456789',
]

/** Any JSON text without spaces, numbers of every kind among it. */
function randomText(next: () => number, depth = 0): string {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!
  const kind = next()
  if (depth > 3 || kind < 0.5) {
    if (next() < 0.3) return pick(['null', 'true', '"1.0"', '"a, 7615917337495251231 "', '""', '"é\\n"'])
    const digits = (most: number): string =>
      Array.from({ length: 1 + Math.floor(next() * most) }, () => Math.floor(next() * 10)).join('')
    const whole = digits(25).replace(/^0+(?=\d)/, '')
    return next() < 0.3
      ? pick(TELLING)
      : `${pick(['', '-'])}${whole}${pick(['', `.${digits(20)}`])}${pick(['', '', `e-${digits(2)}`])}`
  }
  const members = Array.from({ length: Math.floor(next() * 4) }, () => randomText(next, depth + 1))
  return kind < 0.75
    ? `[${members.join(',')}]`
    : `{${members.map((member, index) => `"k${index}":${member}`).join(',')}}`
}

describe('people’s JSON', () => {
  it('comes out as it went in, whatever numbers it holds', () => {
    for (let seed = 0; seed < 500; seed++) {
      const text = randomText(random(seed))
      expect(stringify(parse(text))).toBe(text)
      expect(stringify(copyOf(parse(text)))).toBe(text)
      expect(stringify(parse(stringify(parse(text), 2)))).toBe(text)
      expect(same(parse(text), parse(text))).toBe(true)
    }
  })

  it('is plain numbers wherever those lose nothing', () => {
    expect(parse('[1, -2.5, 1e+21, 9007199254740991]')).toEqual([1, -2.5, 1e21, 9007199254740991])
    expect(parse('{"at": "2026-11-28T06:55:22.120"}')).toEqual({ at: '2026-11-28T06:55:22.120' })
  })

  it('says where it is wrong, big numbers or not', () => {
    expect(() => parse('{"id": 7615917337495251231,}')).toThrow(SyntaxError)
    expect(parseJson('[7615917337495251231', false).ok).toBe(false)
  })

  it('keeps its numbers in reactive data', () => {
    const value = reactive({ id: parse('7615917337495251231') }) as { id: unknown }
    expect(value.id).toBeInstanceOf(ExactNumber)
    expect(stringify(value)).toBe('{"id":7615917337495251231}')
  })

  it('gives plain numbers to what draws', () => {
    const value = parse('{"x": 320.0, "deep": [1.50, {"y": 2}]}')
    expect(withPlainNumbers(value)).toEqual({ x: 320, deep: [1.5, { y: 2 }] })
    const plain = { x: [1] }
    expect(withPlainNumbers(plain)).toBe(plain)
  })
})

describe('a number', () => {
  it.each([
    ['7615917337495251231', '7615917337495251231'],
    ['007', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['+3', '3'],
    ['1.0', '1.0'],
    ['-0', '-0'],
    [' 1e400 ', '1e400'],
  ])('typed as %s is %s', (typed, text) => expect(String(readNumber(typed))).toBe(text))

  it.each(['', '.', '-', 'abc', '1,5', 'Infinity', '0x10'])('is not what “%s” says', (typed) =>
    expect(readNumber(typed)).toBeNull(),
  )

  it('is no object with members, and is told from its neighbour', () => {
    const [a, b] = [parse('7615917337495251231'), parse('7615917337495251232')]
    expect(isMembers(a)).toBe(false)
    expect(same(a, b)).toBe(false)
    expect(compareNumbers(a as ExactNumber, b as ExactNumber)).toBeLessThan(0)
    expect(compareNumbers(2, readNumber('1.0')!)).toBeGreaterThan(0)
  })
})

describe('exact numbers are shown as they are', () => {
  const ID = '7615917337495251231'
  const value = parse(`{"id": ${ID}, "rows": [{"id": ${ID}, "x": 1.0}, {"id": 98765432109876543210}]}`)
  const rows = (value as { rows: unknown }).rows

  it('in trees, tables, texts and on cards', () => {
    expect(treeRows(value, () => true).map((row) => String(row.value))).toContain(ID)
    expect(treeRows(value, () => true).find((row) => row.path === 'id')?.count).toBeNull()
    const table = tableOf(rows)!
    expect(table.columns.map(({ type }) => type)).toEqual(['number', 'number'])
    expect(cellText(table.rows[0]?.['id'])).toBe(ID)
    expect(cellText(rows)).toContain(`"x":1.0`)
    expect(order(table, '', { key: 'id', descending: true })).toEqual([1, 0])
    expect(formatJson(value)).toContain(`"id": ${ID}`)
    expect(summarise(parse(ID))).toBe(ID)
  })

  it('in the previews of expressions', () => {
    const roots = [{ name: 'steps.a', group: '', icon: '', label: '', value, known: true }]
    expect(brief(lookUp(roots, 'steps.a.id').value)).toBe(ID)
    expect(typeName(lookUp(roots, 'steps.a.id').value)).toBe('number')
    expect(preview('id {{ steps.a.id }}', roots).value).toBe(`id ${ID}`)
    expect(lookUp(roots, 'steps.a.id.text').known).toBe(false)
  })
})

it('copied steps and backups keep them', () => {
  const pinned = '{"output":{"id":12345678901234567890,"x":1.0}}'
  const text = `{"nodes":[{"id":"a","type":"t","position":{"x":320.0,"y":0},"pinned":${pinned}}]}`
  const clip = read(text)!
  expect(write(clip).replace(/\s/g, '')).toContain(`"pinned":${pinned}`)
  expect(clip.nodes[0]?.position?.x).toBe(320)
  const backups = new Backups('w', 'tab')
  backups.keep({ revision: 1, savedAt: 1, definition: parse(text) as object })
  expect(stringify(backups.find()?.definition)).toContain(`"pinned":${pinned}`)
})

/** They keep the editor's own layout, which holds nobody's data. */
const OWN = new Set(['json.ts', 'edit/breakpoints.ts', 'edit/remembered.ts', 'panels/RunDrawer.vue'])

it('no other module reads or writes JSON, nor copies values, by itself', () => {
  const sources = import.meta.glob<string>('./**/*.{ts,vue}', {
    query: '?raw',
    import: 'default',
    eager: true,
  })
  expect(Object.keys(sources).length).toBeGreaterThan(100)
  const guilty = Object.entries(sources)
    .map(([path, source]) => [path.slice(2), source] as const)
    .filter(([path]) => !path.endsWith('.test.ts') && !OWN.has(path))
    .filter(([, source]) => /JSON\.(parse|stringify)|structuredClone|\.json\(\)/.test(source))
    .map(([path]) => path)
  expect(guilty).toEqual([])
})
