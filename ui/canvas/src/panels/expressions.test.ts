import { describe, expect, it } from 'vitest'
import {
  filterOffers,
  insertPath,
  join,
  lookUp,
  offers,
  openingAt,
  parsePath,
  preview,
  segments,
  type Root,
} from './expressions'

const base = { group: 'G', icon: 'i', label: 'L' }
const roots: Root[] = [
  {
    ...base,
    name: 'input',
    value: { city: 'Oslo', tags: ['a', 'b'], n: 3 },
    known: true,
    members: [
      { name: 'city', label: 'City', type: 'text' },
      { name: 'later', label: 'Later', type: 'number' },
    ],
  },
  { ...base, name: 'steps.greet', value: { 'a b': 1, rows: [{ x: 1 }, { x: 2 }] }, known: true },
  { ...base, name: 'steps["my-step"]', value: 'hi', known: true },
  { ...base, name: 'steps.idle', value: undefined, known: false },
]

describe('segments', () => {
  it('cuts templates so that the parts joined are the text again', () => {
    const text = 'Hi {{ input.city }} and ${vars.x}!'
    expect(segments(text).filter((part) => part.expression)).toHaveLength(2)
    expect(
      segments(text)
        .map((part) => part.text)
        .join(''),
    ).toBe(text)
  })
})

describe('paths', () => {
  it('are written so that they can be read again', () => {
    expect(join('steps', 'greet')).toBe('steps.greet')
    expect(join('steps', 'my-step')).toBe('steps["my-step"]')
    expect(parsePath(join(join('steps', 'my "x"'), 3))).toEqual(['steps', 'my "x"', 3])
  })

  it('are told from everything that needs the evaluator', () => {
    for (const source of ['a + 1', 'upper(x)', 'x | lower', 'a.b c', '']) {
      expect(parsePath(source)).toBeNull()
    }
  })
})

describe('preview', () => {
  it('keeps the type of a single expression', () => {
    expect(preview('{{ input.n }}', roots)).toEqual({ known: true, value: 3 })
    expect(preview('{{ steps.greet.rows[-1].x }}', roots)).toEqual({ known: true, value: 2 })
    expect(preview('{{ steps["my-step"] }}', roots)).toEqual({ known: true, value: 'hi' })
  })

  it('writes values into texts', () => {
    expect(preview('{{ input.city }}: {{ input.tags }}', roots).value).toBe('Oslo: ["a","b"]')
  })

  it('says nothing about what it cannot know', () => {
    for (const text of [
      '{{ input.city | upper }}',
      '{{ steps.idle.x }}',
      '{{ input.no }}',
      'a {{ inp',
    ])
      expect(preview(text, roots).known).toBe(false)
  })

  it('does not read members that every object has', () => {
    expect(lookUp(roots, 'input.constructor').known).toBe(false)
  })
})

describe('offers', () => {
  const paths = offers(roots).map((offer) => offer.path)

  it('lists what was seen and what is only promised', () => {
    expect(paths).toContain('input.city')
    expect(paths).toContain('input.later')
    expect(paths).toContain('steps.greet.rows[0].x')
    expect(paths).toContain('steps.greet["a b"]')
    expect(paths).toContain('steps.idle')
    expect(paths.filter((path) => path === 'input.city')).toHaveLength(1)
  })

  it('ranks what begins as typed before what only contains it', () => {
    const found = filterOffers(offers(roots), 'input.c').map((offer) => offer.path)
    expect(found[0]).toBe('input.city')
    expect(filterOffers(offers(roots), 'zzz')).toEqual([])
  })
})

describe('writing at the caret', () => {
  it('knows the expression around the caret', () => {
    expect(openingAt('plain', 3)).toBeNull()
    expect(openingAt('{{ a }} b', 9)).toBeNull()
    expect(openingAt('x {{ inp', 8)).toMatchObject({ query: 'inp', closed: false, pipe: false })
    expect(openingAt('{{ inp }}', 6)).toMatchObject({ query: 'inp', closed: true, end: 9 })
    expect(openingAt('{{ a | lo', 9)).toMatchObject({ query: 'lo', pipe: true })
    expect(openingAt('{{ a || lo', 10)).toMatchObject({ pipe: false })
  })

  it('closes what was opened and puts the caret behind it', () => {
    expect(insertPath('Hi {{ inp', 9, 'input.city')).toEqual({
      text: 'Hi {{ input.city }}',
      caret: 19,
    })
    expect(insertPath('Hi {{', 5, 'input.city').text).toBe('Hi {{ input.city }}')
    expect(insertPath('${inp', 5, 'input.city').text).toBe('${input.city}')
  })

  it('replaces the name in a closed expression and adds none of the braces again', () => {
    expect(insertPath('a {{ old }} b', 8, 'input.city')).toEqual({
      text: 'a {{ input.city }} b',
      caret: 18,
    })
  })

  it('brings its own braces in plain text', () => {
    expect(insertPath('ab', 1, 'prev').text).toBe('a{{ prev }}b')
  })
})
