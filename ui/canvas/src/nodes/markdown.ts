/** Markdown-lite as data, never as HTML: headings, lists, paragraphs; bold, italic, code, links. */

export type Span =
  | { readonly kind: 'text' | 'bold' | 'italic' | 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }

export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly spans: readonly Span[] }
  | { readonly kind: 'item'; readonly ordered: boolean; readonly spans: readonly Span[] }
  | { readonly kind: 'paragraph'; readonly spans: readonly Span[] }

const INLINE = /\*\*(.+?)\*\*|\*(.+?)\*|`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)/g

export function parse(text: string): Block[] {
  const blocks: Block[] = []
  let lines: string[] = []
  const close = (): void => {
    if (lines.length) blocks.push({ kind: 'paragraph', spans: inline(lines.join(' ')) })
    lines = []
  }
  for (const line of text.split('\n')) {
    const heading = /^(#{1,3})\s+(.*)$/.exec(line)
    const item = /^\s*(?:([-*])|(\d+)[.)])\s+(.*)$/.exec(line)
    if (heading || item || line.trim() === '') close()
    if (heading) {
      const level = heading[1]!.length as 1 | 2 | 3
      blocks.push({ kind: 'heading', level, spans: inline(heading[2]!) })
    } else if (item) {
      blocks.push({ kind: 'item', ordered: item[2] !== undefined, spans: inline(item[3]!) })
    } else if (line.trim() !== '') {
      lines.push(line.trim())
    }
  }
  close()
  return blocks
}

export function inline(text: string): Span[] {
  const spans: Span[] = []
  let at = 0
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) spans.push({ kind: 'text', text: text.slice(at, match.index) })
    const [all, bold, italic, code, label, href] = match
    if (bold !== undefined) spans.push({ kind: 'bold', text: bold })
    else if (italic !== undefined) spans.push({ kind: 'italic', text: italic })
    else if (code !== undefined) spans.push({ kind: 'code', text: code })
    else if (label !== undefined && href !== undefined && isSafe(href)) {
      spans.push({ kind: 'link', text: label, href })
    } else spans.push({ kind: 'text', text: all })
    at = match.index + all.length
  }
  if (at < text.length) spans.push({ kind: 'text', text: text.slice(at) })
  return spans
}

function isSafe(href: string): boolean {
  return /^(https?:\/\/|mailto:|\/(?!\/)|#)/i.test(href)
}
