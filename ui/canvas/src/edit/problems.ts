/** Where in a node's settings a problem is, from its JSON pointer. */

/** `/definition/nodes/3/body/nodes/0/params/url` → `url`; `/nodes/3/retry/delay_ms` → `retry/delay_ms`. */
export function fieldOf(pointer: string): string {
  const inside = /(?:^|\/)nodes\/\d+(?!.*\/nodes\/\d+)\/(.*)$/.exec(pointer)?.[1] ?? ''
  return unescape(inside.replace(/^params\/?/, ''))
}

function unescape(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}
