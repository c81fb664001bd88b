/** The list of keys as the user guide prints it, from the table that the canvas obeys. */
import { GESTURES, GROUPS, SHORTCUTS, keyCaps } from './keyboard'

export const BEGIN = '<!-- keys: made from keyboard.ts by `npx vitest run shortcutTable -u` -->'
export const END = '<!-- end of the keys -->'

/** Markdown between `BEGIN` and `END`. */
export function shortcutTable(): string {
  const parts = GROUPS.map((group) => {
    const rows = SHORTCUTS.filter((one) => one.group === group).map(({ keys, title }) => {
      const told = keys.map((key) => keyCaps(key, false).join(' + ')).join(', ')
      return row(told, title)
    })
    return `### ${group}\n\n${HEAD}\n${rows.join('\n')}`
  })
  const rows = GESTURES.map(({ keys, title }) => row(keys.join(' + '), title))
  return [...parts, `### Pointer and areas\n\n${HEAD}\n${rows.join('\n')}`].join('\n\n')
}

const HEAD = '| Keys | What they do |\n|---|---|'

function row(keys: string, title: string): string {
  return `| ${keys} | ${title} |`
}

/** The guide with the list as it is now. Throws when it has no place for it. */
export function withShortcuts(guide: string): string {
  const [from, to] = [guide.indexOf(BEGIN), guide.indexOf(END)]
  if (from < 0 || to < from) throw new Error('The guide has no place for the list of keys.')
  return `${guide.slice(0, from)}${BEGIN}\n\n${shortcutTable()}\n\n${guide.slice(to)}`
}
