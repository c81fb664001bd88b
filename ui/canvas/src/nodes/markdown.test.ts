import { expect, it } from 'vitest'
import { inline, parse } from './markdown'

it('knows headings, lists and paragraphs', () => {
  expect(parse('# Title\n\n- one\n2. two\ntext').map(({ kind }) => kind)).toEqual([
    'heading',
    'item',
    'item',
    'paragraph',
  ])
})

it('joins the lines of a paragraph, and begins another after an empty line', () => {
  const texts = parse('one\ntwo\n\nthree').map(({ spans }) =>
    spans.map(({ text }) => text).join(''),
  )
  expect(texts).toEqual(['one two', 'three'])
})

it('knows bold, italic, code and links', () => {
  expect(inline('a **b** *c* `d` [e](https://x.test)')).toEqual([
    { kind: 'text', text: 'a ' },
    { kind: 'bold', text: 'b' },
    { kind: 'text', text: ' ' },
    { kind: 'italic', text: 'c' },
    { kind: 'text', text: ' ' },
    { kind: 'code', text: 'd' },
    { kind: 'text', text: ' ' },
    { kind: 'link', text: 'e', href: 'https://x.test' },
  ])
})

it('keeps HTML and unsafe links as plain text', () => {
  expect(parse('<img src=x onerror=alert(1)>')).toEqual([
    { kind: 'paragraph', spans: [{ kind: 'text', text: '<img src=x onerror=alert(1)>' }] },
  ])
  for (const href of ['javascript:alert(1)', 'data:text/html,x', '//evil.test', 'JaVaScRiPt:x']) {
    const spans = inline(`[x](${href})`)
    expect(spans.every(({ kind }) => kind === 'text')).toBe(true)
    expect(spans.map(({ text }) => text).join('')).toBe(`[x](${href})`)
  }
})
