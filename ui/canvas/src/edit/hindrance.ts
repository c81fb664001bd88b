/** Why a command cannot be carried out now; the same answer for menus, buttons and the palette. */
import type { RunSession } from '../run/runtime'
import type { Command } from './keyboard'
import type { Steering } from './steering'
import type { Editor } from './store'
import { groupHindrance } from './groups'
import { movable, partTarget, soleGroup } from './selection'

export interface Situation {
  readonly editor: Editor
  readonly run: RunSession
  readonly steering: Steering
}

const ONE_STEP = 'Select one step first.'
const NOT_YOURS = 'You may only look at this drawing.'
const NO_RUN = 'No run is shown.'

/** Commands that change the drawing. */
const WRITES: ReadonlySet<Command> = new Set<Command>([
  'palette',
  'search',
  'toggle-palette',
  'undo',
  'redo',
  'cut',
  'paste',
  'duplicate',
  'delete',
  'connect',
  'rename',
  'toggle-disabled',
  'note',
  'tidy',
  'pin',
  'edit-pin',
  'save',
  'group',
  'ungroup',
  'sub-workflow',
])
const ON_SELECTION: ReadonlySet<Command> = new Set<Command>([
  'copy',
  'cut',
  'duplicate',
  'delete',
  'zoom-selection',
])
const ON_STEPS: ReadonlySet<Command> = new Set<Command>(['toggle-disabled', 'select-downstream'])
const ON_ONE_STEP: ReadonlySet<Command> = new Set<Command>([
  'connect',
  'inspect',
  'breakpoint',
  'breakpoint-after',
  'pin',
  'edit-pin',
  'cancel-step',
  'fork',
])
const STARTS: ReadonlySet<Command> = new Set<Command>([
  'run',
  'run-mock',
  'run-debug',
  'run-options',
])
const PARTS = { 'run-node': 'node', 'run-until': 'until', 'run-from': 'from' } as const
export type PartCommand = keyof typeof PARTS

/** The part of the drawing that a command runs. */
export function partOf(command: Command): (typeof PARTS)[PartCommand] | null {
  return command in PARTS ? PARTS[command as PartCommand] : null
}

/** Null when it can be done. */
export function hindrance(command: Command, situation: Situation): string | null {
  const { editor } = situation
  if (editor.readOnly.value && (WRITES.has(command) || command.startsWith('align-')))
    return NOT_YOURS
  if (ON_SELECTION.has(command) && editor.selected.value.size === 0) return 'Nothing is selected.'
  if (ON_STEPS.has(command) && editor.selection.value.length === 0) return 'Select a step first.'
  if (ON_ONE_STEP.has(command) && editor.selectedNode.value === null) return ONE_STEP
  if (command.startsWith('align-') && movable(editor).length < 2)
    return 'Select two steps or more.'
  switch (command) {
    case 'group':
    case 'ungroup':
    case 'fold':
    case 'select-group':
    case 'sub-workflow':
      return groupHindrance(command, editor)
    case 'rename':
      return editor.selectedNode.value || soleGroup(editor) !== null ? null : ONE_STEP
    case 'undo':
      return editor.canUndo.value ? null : 'Nothing was changed yet.'
    case 'redo':
      return editor.canRedo.value ? null : 'Nothing was undone.'
    case 'select-all':
    case 'fit':
    case 'find':
    case 'tidy':
      return editor.isEmpty.value ? 'The drawing is empty.' : null
    default:
      return ofRun(command, situation)
  }
}

function ofRun(command: Command, { editor, run, steering }: Situation): string | null {
  const { status, active } = run
  const id = editor.selectedNode.value?.id ?? ''
  if (STARTS.has(command)) {
    if (!steering.mayStart.value) return 'You may not start runs here.'
    if (active.value && status.value !== 'paused') return 'The workflow is running already.'
    return editor.isEmpty.value ? 'There is nothing to run yet.' : null
  }
  const part = partOf(command)
  if (part !== null) {
    const target = partTarget(editor, part)
    if (target === null) return ONE_STEP
    return steering.hindrance(target)
  }
  switch (command) {
    case 'pause':
      if (!steering.maySteer.value) return 'You may not steer runs.'
      if (!active.value) return 'No run is under way.'
      if (steering.waits()) return 'The run goes on by itself when what it waits for is there.'
      return null
    case 'step':
      if (!steering.maySteer.value) return 'You may not steer runs.'
      return status.value === 'paused' && !steering.waits() ? null : 'No run is paused.'
    case 'cancel-run':
      if (!steering.maySteer.value) return 'You may not steer runs.'
      return active.value ? null : 'No run is under way.'
    case 'retry-run':
      if (!steering.maySteer.value) return 'You may not steer runs.'
      if (status.value === null) return NO_RUN
      return !active.value && (status.value === 'failed' || status.value === 'cancelled')
        ? null
        : 'The run neither failed nor was cancelled.'
    case 'clear-run':
      if (!steering.mayStart.value || status.value === null) return NO_RUN
      return active.value && status.value !== 'paused' ? 'The run is under way.' : null
    case 'breakpoint':
    case 'breakpoint-after':
      return steering.canBreak() ? null : 'No run is under way.'
    case 'pin':
    case 'edit-pin':
      return steering.canPin(id) ? null : 'A step that begins or ends a path has no data to pin.'
    case 'cancel-step':
      return steering.canCancelStep(id) ? null : 'This step is not being run.'
    case 'fork':
      return steering.canFork(id) ? null : 'This step has not finished in the run that is shown.'
    default:
      return null
  }
}
