import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SHORTCUTS } from './keyboard'
import { withShortcuts } from './shortcutTable'

const GUIDE = '../help/editor.md'

it('is what the user guide prints', async () => {
  await expect(withShortcuts(readFileSync(GUIDE, 'utf8'))).toMatchFileSnapshot(
    `../../../help/editor.md`,
  )
})

it('gives no key to two commands', () => {
  const keys = SHORTCUTS.flatMap((one) => one.keys)
  expect(new Set(keys).size).toBe(keys.length)
})
