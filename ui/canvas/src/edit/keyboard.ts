/** Every shortcut in one table: what the canvas obeys and what the `?` overlay lists. */

import type { Alignment } from './align'

export type Command =
  | 'commands'
  | 'find'
  | 'palette'
  | 'search'
  | 'undo'
  | 'redo'
  | 'copy'
  | 'cut'
  | 'paste'
  | 'duplicate'
  | 'delete'
  | 'select-all'
  | 'deselect'
  | 'connect'
  | 'inspect'
  | 'rename'
  | 'toggle-disabled'
  | 'note'
  | 'group'
  | 'ungroup'
  | 'fold'
  | 'select-group'
  | 'sub-workflow'
  | 'tidy'
  | 'fit'
  | 'zoom-100'
  | 'zoom-in'
  | 'zoom-out'
  | 'zoom-selection'
  | 'hand'
  | 'marquee'
  | 'walk-left'
  | 'walk-right'
  | 'walk-up'
  | 'walk-down'
  | 'nudge-left'
  | 'nudge-right'
  | 'nudge-up'
  | 'nudge-down'
  | 'select-downstream'
  | `align-${Alignment}`
  | 'toggle-palette'
  | 'toggle-inspector'
  | 'run'
  | 'run-mock'
  | 'run-debug'
  | 'run-options'
  | 'run-node'
  | 'run-until'
  | 'run-from'
  | 'pause'
  | 'step'
  | 'cancel-run'
  | 'retry-run'
  | 'clear-run'
  | 'breakpoint'
  | 'breakpoint-after'
  | 'pin'
  | 'edit-pin'
  | 'cancel-step'
  | 'fork'
  | 'problems'
  | 'save'
  | 'help'

export interface Shortcut {
  readonly command: Command
  /** Alternatives; parts joined by `+`, `Mod` is Ctrl or ⌘. */
  readonly keys: readonly string[]
  readonly title: string
  readonly group: (typeof GROUPS)[number]
  /** Also obeyed where nothing may be changed. */
  readonly reads?: boolean
}

export const SHORTCUTS: readonly Shortcut[] = [
  {
    command: 'commands',
    keys: ['Mod+K'],
    title: 'Find and do anything: actions, steps, pages',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'find',
    keys: ['Mod+F'],
    title: 'Search the drawing',
    group: 'Move about',
    reads: true,
  },
  { command: 'palette', keys: ['Tab'], title: 'Add a step after the selected one', group: 'Build' },
  { command: 'search', keys: ['/'], title: 'Search the step palette', group: 'Build' },
  {
    command: 'connect',
    keys: ['C'],
    title: 'Connect the selected step to another',
    group: 'Build',
  },
  {
    command: 'inspect',
    keys: ['Enter'],
    title: 'Open the selected step’s settings; open or close a group',
    group: 'Build',
    reads: true,
  },
  { command: 'rename', keys: ['F2'], title: 'Rename the selected step or group', group: 'Build' },
  {
    command: 'toggle-disabled',
    keys: ['D'],
    title: 'Switch the selected steps off or on',
    group: 'Build',
  },
  { command: 'group', keys: ['Mod+G'], title: 'Group the selected steps', group: 'Build' },
  { command: 'ungroup', keys: ['Mod+Shift+G'], title: 'Ungroup', group: 'Build' },
  {
    command: 'fold',
    keys: ['Shift+G'],
    title: 'Close the group to one card, or open it',
    group: 'Build',
    reads: true,
  },
  {
    command: 'select-group',
    keys: ['G'],
    title: 'Select the group around the selected step',
    group: 'Move about',
    reads: true,
  },
  { command: 'note', keys: ['Shift+S'], title: 'Add a note', group: 'Build' },
  {
    command: 'tidy',
    keys: ['Shift+Alt+T'],
    title: 'Tidy up: lay out all steps, or the selected',
    group: 'Build',
  },
  { command: 'undo', keys: ['Mod+Z'], title: 'Undo', group: 'Edit' },
  { command: 'redo', keys: ['Mod+Shift+Z', 'Mod+Y'], title: 'Redo', group: 'Edit' },
  { command: 'copy', keys: ['Mod+C'], title: 'Copy as JSON', group: 'Edit', reads: true },
  { command: 'cut', keys: ['Mod+X'], title: 'Cut', group: 'Edit' },
  { command: 'paste', keys: ['Mod+V'], title: 'Paste', group: 'Edit' },
  { command: 'duplicate', keys: ['Mod+D'], title: 'Duplicate', group: 'Edit' },
  { command: 'delete', keys: ['Delete', 'Backspace'], title: 'Delete', group: 'Edit' },
  { command: 'select-all', keys: ['Mod+A'], title: 'Select all', group: 'Edit', reads: true },
  { command: 'deselect', keys: ['Escape'], title: 'Select nothing', group: 'Edit', reads: true },
  { command: 'save', keys: ['Mod+S'], title: 'Save now', group: 'Edit' },
  {
    command: 'walk-left',
    keys: ['ArrowLeft'],
    title: 'Go to the step before',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'walk-right',
    keys: ['ArrowRight'],
    title: 'Go to the step after',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'walk-up',
    keys: ['ArrowUp'],
    title: 'Go to the step above',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'walk-down',
    keys: ['ArrowDown'],
    title: 'Go to the step below',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'select-downstream',
    keys: ['Shift+ArrowRight'],
    title: 'Select everything after it too',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'nudge-left',
    keys: ['Alt+ArrowLeft'],
    title: 'Move the selection left',
    group: 'Edit',
  },
  {
    command: 'nudge-right',
    keys: ['Alt+ArrowRight'],
    title: 'Move the selection right',
    group: 'Edit',
  },
  { command: 'nudge-up', keys: ['Alt+ArrowUp'], title: 'Move the selection up', group: 'Edit' },
  {
    command: 'nudge-down',
    keys: ['Alt+ArrowDown'],
    title: 'Move the selection down',
    group: 'Edit',
  },
  { command: 'fit', keys: ['1'], title: 'Show everything', group: 'Move about', reads: true },
  {
    command: 'zoom-selection',
    keys: ['2'],
    title: 'Show the selection',
    group: 'Move about',
    reads: true,
  },
  { command: 'zoom-100', keys: ['0'], title: 'Zoom to 100 %', group: 'Move about', reads: true },
  { command: 'zoom-in', keys: ['+', '='], title: 'Zoom in', group: 'Move about', reads: true },
  { command: 'zoom-out', keys: ['-'], title: 'Zoom out', group: 'Move about', reads: true },
  {
    command: 'hand',
    keys: ['H'],
    title: 'Hand: drag the background to pan',
    group: 'Move about',
    reads: true,
  },
  {
    command: 'marquee',
    keys: ['V'],
    title: 'Arrow: drag the background to select',
    group: 'Move about',
    reads: true,
  },
  { command: 'run', keys: ['Mod+Enter'], title: 'Run', group: 'Run' },
  { command: 'run-node', keys: ['Shift+Enter'], title: 'Run the selected step alone', group: 'Run' },
  { command: 'run-until', keys: ['Alt+Enter'], title: 'Run up to the selected step', group: 'Run' },
  {
    command: 'run-from',
    keys: ['Shift+Alt+Enter'],
    title: 'Run from the selected step on, with the last data',
    group: 'Run',
  },
  {
    command: 'pause',
    keys: ['F8'],
    title: 'Pause the run, or let it go on',
    group: 'Run',
    reads: true,
  },
  { command: 'step', keys: ['F10'], title: 'Run the next step only', group: 'Run', reads: true },
  {
    command: 'breakpoint',
    keys: ['F9'],
    title: 'Stop before the selected step, or not any more',
    group: 'Run',
    reads: true,
  },
  {
    command: 'breakpoint-after',
    keys: ['Shift+F9'],
    title: 'Stop after it, or not any more',
    group: 'Run',
    reads: true,
  },
  { command: 'pin', keys: ['Shift+P'], title: 'Pin the step’s last output, or unpin', group: 'Run' },
  {
    command: 'cancel-step',
    keys: ['Shift+X'],
    title: 'Cancel the selected step alone',
    group: 'Run',
    reads: true,
  },
  {
    command: 'fork',
    keys: ['Shift+F'],
    title: 'Fork a new run after the selected step',
    group: 'Run',
    reads: true,
  },
  { command: 'problems', keys: ['P'], title: 'Show or hide the problems', group: 'Run' },
  { command: 'help', keys: ['?'], title: 'This list', group: 'Run', reads: true },
]

/** What the pointer and F6 do, for those who read the list. */
export const GESTURES: readonly { readonly keys: readonly string[]; readonly title: string }[] = [
  { keys: ['Double-click'], title: 'Add a step at the pointer' },
  { keys: ['Right-click'], title: 'Menu of the step, of the selection, of the canvas' },
  { keys: ['Shift', 'drag'], title: 'Select several steps' },
  { keys: ['Space', 'drag'], title: 'Pan' },
  { keys: ['Alt', 'drag'], title: 'Move without snapping' },
  { keys: ['F6'], title: 'Next area: canvas, settings, run details, palette, tool bar' },
  { keys: ['Shift', 'F6'], title: 'The area before' },
  { keys: ['Esc'], title: 'Back to the canvas, from a field or another area' },
]

export const GROUPS = ['Build', 'Edit', 'Move about', 'Run'] as const

export interface KeyPress {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
  readonly altKey: boolean
}

export function commandOf(event: KeyPress, readOnly = false): Command | null {
  const found = SHORTCUTS.find(
    (shortcut) =>
      (!readOnly || shortcut.reads === true) && shortcut.keys.some((key) => matches(event, key)),
  )
  return found?.command ?? null
}

function matches(event: KeyPress, shortcut: string): boolean {
  const parts = shortcut === '+' ? ['+'] : shortcut.split('+')
  const key = parts.at(-1) ?? ''
  const wants = (part: string): boolean => parts.slice(0, -1).includes(part)
  const letter = key.length === 1 && key.toLowerCase() !== key.toUpperCase()
  // "?" and "+" need Shift on some keyboards and not on others.
  const shiftMatters = letter || key.length > 1
  if (event.key.toLowerCase() !== key.toLowerCase()) return false
  if (wants('Mod') !== (event.ctrlKey || event.metaKey)) return false
  if (wants('Alt') !== event.altKey) return false
  return !shiftMatters || wants('Shift') === event.shiftKey
}

/** Whether the user is typing: shortcuts keep off. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, textarea, select, [role="textbox"]') !== null)
  )
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
  Delete: 'Del',
}

export function isMac(): boolean {
  return /mac|iphone|ipad/i.test(navigator.platform)
}

/** `Mod+Shift+Z` → [`Ctrl`, `Shift`, `Z`]. */
export function keyCaps(shortcut: string, mac = isMac()): readonly string[] {
  const parts = shortcut === '+' ? ['+'] : shortcut.split('+')
  return parts.map((part) => {
    if (part === 'Mod') return mac ? '⌘' : 'Ctrl'
    if (part === 'Alt' && mac) return '⌥'
    return NAMES[part] ?? part
  })
}

export function capsOf(command: Command): string {
  const keys = SHORTCUTS.find((shortcut) => shortcut.command === command)?.keys[0]
  return keys === undefined ? '' : keyCaps(keys).join('+')
}
