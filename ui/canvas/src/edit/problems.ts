/** What a problem of the drawing says to a person, and where in a node's settings it is. */

/** `/definition/nodes/3/body/nodes/0/params/url` → `url`; `/nodes/3/retry/delay_ms` → `retry/delay_ms`. */
export function fieldOf(pointer: string): string {
  const inside = /(?:^|\/)nodes\/\d+(?!.*\/nodes\/\d+)\/(.*)$/.exec(pointer)?.[1] ?? ''
  return unescape(inside.replace(/^params\/?/, ''))
}

/** The sentence, in which the ids of steps that it quotes have become their names. */
export function withTitles(sentence: string, titleOf: (id: string) => string | null): string {
  return sentence.replace(/(?<!setting )'([A-Za-z0-9_.-]{1,100})'/g, (quoted, id: string) => {
    const title = titleOf(id)
    return title === null ? quoted : `“${title}”`
  })
}

function unescape(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}
