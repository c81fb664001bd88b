import { expect, it } from 'vitest'
import guide from '../../../help/editor.md?raw'
import { SHORTCUTS } from './keyboard'
import { withShortcuts } from './shortcutTable'

it('is what the user guide prints', async () => {
  await expect(withShortcuts(guide)).toMatchFileSnapshot('../../../help/editor.md')
})

it('gives no key to two commands', () => {
  const keys = SHORTCUTS.flatMap((one) => one.keys)
  expect(new Set(keys).size).toBe(keys.length)
})
