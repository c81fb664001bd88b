import { expect, it } from 'vitest'
import { SHORTCUTS, commandOf, keyCaps, type KeyPress } from './keyboard'

function press(key: string, mods: Partial<KeyPress> = {}): KeyPress {
  return { key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...mods }
}

it.each([
  [press('z', { ctrlKey: true }), 'undo'],
  [press('Z', { ctrlKey: true, shiftKey: true }), 'redo'],
  [press('z', { metaKey: true }), 'undo'],
  [press('?', { shiftKey: true }), 'help'],
  [press('+', { shiftKey: true }), 'zoom-in'],
  [press('ArrowRight'), 'walk-right'],
  [press('ArrowRight', { shiftKey: true }), 'select-downstream'],
  [press('ArrowRight', { altKey: true }), 'nudge-right'],
  [press('S', { shiftKey: true }), 'note'],
  [press('Tab'), 'palette'],
  [press('Tab', { shiftKey: true }), null],
  [press('x'), null],
])('%o is %s', (event, command) => {
  expect(commandOf(event)).toBe(command)
})

it('obeys only what reads where nothing may be changed', () => {
  expect(commandOf(press('Delete'), true)).toBeNull()
  expect(commandOf(press('v', { ctrlKey: true }), true)).toBeNull()
  expect(commandOf(press('c', { ctrlKey: true }), true)).toBe('copy')
  expect(commandOf(press('1'), true)).toBe('fit')
})

it('gives no key to two commands', () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys)
  expect(new Set(keys).size).toBe(keys.length)
})

it('names keys as they are written on them', () => {
  expect(keyCaps('Mod+Shift+Z', false)).toEqual(['Ctrl', 'Shift', 'Z'])
  expect(keyCaps('Mod+Z', true)).toEqual(['⌘', 'Z'])
  expect(keyCaps('+', false)).toEqual(['+'])
})
