/** What every command is called, and under which other words it is found: for menus and palette. */
import type { Command } from './keyboard'

export interface Action {
  readonly label: string
  readonly icon: string
  /** Other words under which people look for it. */
  readonly words?: string
  /** Said of more than one step. */
  readonly several?: string
}

/** Moving by keys and leaving things: there is nothing to look up. */
type Unlisted = 'commands' | 'deselect' | `walk-${string}` | `nudge-${string}`
export type Listed = Exclude<Command, Unlisted>

/** In the order in which they are offered to somebody who asked for nothing yet. */
export const ACTIONS: Readonly<Record<Listed, Action>> = {
  run: { label: 'Run', icon: 'play_arrow', words: 'start execute go full' },
  palette: {
    label: 'Add a step',
    icon: 'add',
    words: 'new node insert create block',
  },
  find: {
    label: 'Search the drawing',
    icon: 'manage_search',
    words: 'find step node text canvas locate',
  },
  inspect: {
    label: 'Settings',
    icon: 'tune',
    words: 'open properties configure parameters edit step',
  },
  'run-node': {
    label: 'Run this step',
    icon: 'play_arrow',
    words: 'execute alone only single test',
  },
  'run-until': {
    label: 'Run up to here',
    icon: 'keyboard_tab',
    words: 'execute until before previous part',
  },
  'run-from': {
    label: 'Run from here',
    icon: 'start',
    words: 'execute after on rest part continue',
  },
  'run-mock': {
    label: 'Mock run: nothing happens outside',
    icon: 'science',
    words: 'start test simulate dry fake execute',
  },
  'run-debug': {
    label: 'Debug: stop before each step',
    icon: 'bug_report',
    words: 'start run stepping breakpoints execute',
  },
  'run-options': {
    label: 'Run with options…',
    icon: 'tune',
    words: 'start limits timeout concurrency inputs execute',
  },
  pause: { label: 'Pause or resume the run', icon: 'pause', words: 'hold stop continue go on' },
  step: { label: 'Run the next step only', icon: 'redo', words: 'debug single stepping next' },
  'cancel-run': {
    label: 'Cancel the run',
    icon: 'stop',
    words: 'stop abort kill end',
  },
  'retry-run': {
    label: 'Retry the run',
    icon: 'restart_alt',
    words: 'again failed continue resume',
  },
  'clear-run': {
    label: 'Clear the run from the drawing',
    icon: 'layers_clear',
    words: 'hide remove reset results status',
  },
  'cancel-step': { label: 'Cancel this step', icon: 'stop', words: 'abort stop kill node' },
  fork: {
    label: 'Fork from here…',
    icon: 'call_split',
    words: 'branch copy run time travel checkpoint replay',
  },
  breakpoint: {
    label: 'Stop before it, or not any more',
    icon: 'radio_button_checked',
    words: 'breakpoint debug pause toggle',
  },
  'breakpoint-after': {
    label: 'Stop after it, or not any more',
    icon: 'radio_button_unchecked',
    words: 'breakpoint debug pause toggle',
  },
  pin: {
    label: 'Pin or unpin the output',
    icon: 'push_pin',
    words: 'freeze data fix mock keep',
  },
  'edit-pin': {
    label: 'Edit pinned data…',
    icon: 'data_object',
    words: 'freeze output mock json',
  },
  connect: {
    label: 'Connect to…',
    icon: 'cable',
    words: 'edge wire link arrow join draw',
  },
  rename: { label: 'Rename', icon: 'edit', words: 'name title step node' },
  duplicate: { label: 'Duplicate', icon: 'content_copy', words: 'copy clone twice' },
  copy: { label: 'Copy as JSON', icon: 'content_paste_go', words: 'clipboard' },
  cut: { label: 'Cut', icon: 'content_cut', words: 'clipboard move' },
  paste: { label: 'Paste', icon: 'content_paste', words: 'clipboard insert json' },
  'toggle-disabled': {
    label: 'Switch off or on',
    icon: 'power_settings_new',
    words: 'disable enable deactivate mute skip bypass',
  },
  delete: { label: 'Delete', icon: 'delete_outline', words: 'remove erase trash' },
  undo: { label: 'Undo', icon: 'undo', words: 'back revert' },
  redo: { label: 'Redo', icon: 'redo', words: 'again forward' },
  'select-all': { label: 'Select all', icon: 'select_all', words: 'everything mark' },
  group: { label: 'Group', icon: 'group_work', words: 'frame box section cluster together' },
  ungroup: { label: 'Ungroup', icon: 'filter_none', words: 'dissolve frame group apart remove' },
  fold: {
    label: 'Close or open the group',
    icon: 'unfold_less',
    words: 'collapse expand fold card frame hide',
  },
  'select-group': {
    label: 'Select the group around it',
    icon: 'all_out',
    words: 'frame outer parent members',
  },
  'sub-workflow': {
    label: 'Make it a sub-workflow…',
    icon: 'move_down',
    words: 'extract refactor reuse call group subworkflow function',
    several: 'Make them a sub-workflow…',
  },
  'select-downstream': {
    label: 'Select everything after it',
    icon: 'double_arrow',
    words: 'downstream following rest',
  },
  note: {
    label: 'Add a note',
    icon: 'sticky_note_2',
    words: 'sticky comment text remark annotation',
  },
  tidy: {
    label: 'Tidy up',
    icon: 'account_tree',
    words: 'arrange layout order clean auto align',
    several: 'Tidy up the selection',
  },
  'align-left': {
    label: 'Align left edges',
    icon: 'align_horizontal_left',
    words: 'arrange line up',
  },
  'align-center': {
    label: 'Align centres in a column',
    icon: 'align_horizontal_center',
    words: 'arrange line up middle',
  },
  'align-right': {
    label: 'Align right edges',
    icon: 'align_horizontal_right',
    words: 'arrange line up',
  },
  'align-top': { label: 'Align top edges', icon: 'align_vertical_top', words: 'arrange line up' },
  'align-middle': {
    label: 'Align centres in a row',
    icon: 'align_vertical_center',
    words: 'arrange line up middle',
  },
  'align-bottom': {
    label: 'Align bottom edges',
    icon: 'align_vertical_bottom',
    words: 'arrange line up',
  },
  'align-row': {
    label: 'Space evenly in a row',
    icon: 'horizontal_distribute',
    words: 'distribute arrange spacing horizontal',
  },
  'align-column': {
    label: 'Space evenly in a column',
    icon: 'vertical_distribute',
    words: 'distribute arrange spacing vertical',
  },
  fit: { label: 'Show everything', icon: 'fit_screen', words: 'zoom fit view whole overview' },
  'zoom-selection': {
    label: 'Show the selection',
    icon: 'center_focus_strong',
    words: 'zoom fit centre view selected',
  },
  'zoom-100': { label: 'Zoom to 100 %', icon: 'crop_free', words: 'reset actual size' },
  'zoom-in': { label: 'Zoom in', icon: 'zoom_in', words: 'larger bigger' },
  'zoom-out': { label: 'Zoom out', icon: 'zoom_out', words: 'smaller' },
  hand: { label: 'Hand', icon: 'pan_tool_alt', words: 'pan drag move pointer tool' },
  marquee: { label: 'Arrow', icon: 'highlight_alt', words: 'select lasso marquee pointer tool' },
  problems: { label: 'Show or hide the problems', icon: 'warning_amber', words: 'errors issues' },
  search: {
    label: 'Search the step palette',
    icon: 'search',
    words: 'find node type add list',
  },
  'toggle-palette': {
    label: 'Show or hide the palette',
    icon: 'view_sidebar',
    words: 'panel left steps collapse expand',
  },
  'toggle-inspector': {
    label: 'Show or hide the inspector',
    icon: 'vertical_split',
    words: 'panel right settings collapse expand',
  },
  save: { label: 'Save now', icon: 'save', words: 'store write' },
  help: { label: 'Keyboard shortcuts', icon: 'keyboard', words: 'help keys hotkeys list' },
}

export function isListed(command: Command): command is Listed {
  return command in ACTIONS
}
