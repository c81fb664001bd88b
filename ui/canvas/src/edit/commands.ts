/** What each command does to the editor; keys and menus only name commands. */
import type { RunStore } from '../seam'
import { GRID } from '../document/geometry'
import { downstreamOf, nodeOf, noteOf } from '../document/document'
import { withMembers } from '../document/groups'
import { performOnGroups, stepOnGroup } from './groups'
import type { Command } from './keyboard'
import type { Steering } from './steering'
import type { Editor } from './store'
import { walk, type Direction } from './walk'

/** What the page around the store does. */
export interface Stage {
  quickAdd(): void
  search(): void
  connect(): void
  inspect(field?: string): void
  zoom(to: 'in' | 'out' | 'fit' | 'reset'): void
  pointer(marquee: boolean): void
  problems(): void
  help(): void
  copy(cut: boolean): void
  paste(): void
}

export interface Context {
  readonly editor: Editor
  readonly run: RunStore
  readonly stage: Stage
  readonly steering: Steering
}

/** True when the command was carried out and the browser must not act on the key as well. */
export function perform(command: Command, context: Context): boolean {
  const { editor, run, stage } = context
  if (performOnGroups(command, editor)) return true
  const [verb, way] = command.split('-') as [string, string | undefined]
  if (verb === 'walk') return step(editor, way as Direction)
  if (verb === 'nudge') return nudge(editor, way as Direction)
  switch (command) {
    case 'palette':
      stage.quickAdd()
      return true
    case 'search':
      stage.search()
      return true
    case 'undo':
      editor.undo()
      return true
    case 'redo':
      editor.redo()
      return true
    case 'copy':
    case 'cut':
      stage.copy(command === 'cut')
      return true
    case 'paste':
      stage.paste()
      return true
    case 'duplicate':
      editor.duplicate()
      return true
    case 'delete':
      editor.removeSelected()
      return true
    case 'select-all':
      editor.selectAll()
      return true
    case 'deselect':
      editor.select([])
      return true
    case 'connect':
      stage.connect()
      return true
    case 'inspect':
      stage.inspect()
      return true
    case 'rename':
      stage.inspect('name')
      return true
    case 'toggle-disabled':
      toggleDisabled(editor)
      return true
    case 'note':
      editor.addNote()
      return true
    case 'tidy':
      void editor.tidy()
      return true
    case 'fit':
      stage.zoom('fit')
      return true
    case 'zoom-100':
      stage.zoom('reset')
      return true
    case 'zoom-in':
      stage.zoom('in')
      return true
    case 'zoom-out':
      stage.zoom('out')
      return true
    case 'hand':
      stage.pointer(false)
      return true
    case 'marquee':
      stage.pointer(true)
      return true
    case 'select-downstream':
      selectDownstream(editor)
      return true
    case 'run':
      run.requestStart()
      return true
    case 'pause':
      context.steering.pauseOrResume()
      return true
    case 'step':
      context.steering.step()
      return true
    case 'problems':
      stage.problems()
      return true
    case 'save':
      void editor.flush().catch(() => undefined)
      return true
    case 'help':
      stage.help()
      return true
    default:
      return onStep(command, context)
  }
}

/** What is done with the one selected step. */
function onStep(command: Command, { editor, steering }: Context): boolean {
  const id = editor.selectedNode.value?.id
  if (id === undefined) {
    editor.notify('Select one step first.')
    return true
  }
  switch (command) {
    case 'run-node':
      void steering.runPart('node', id)
      return true
    case 'run-until':
      void steering.runPart('until', id)
      return true
    case 'run-from':
      void steering.runPart('from', id)
      return true
    case 'breakpoint':
      steering.toggleBreakpoint(id, 'before')
      return true
    case 'breakpoint-after':
      steering.toggleBreakpoint(id, 'after')
      return true
    case 'pin':
      steering.togglePin(id)
      return true
    case 'edit-pin':
      steering.ask.value = { kind: 'pin', nodeId: id }
      return true
    case 'cancel-step':
      void steering.cancelStep(id)
      return true
    case 'fork':
      steering.fork(id)
      return true
    default:
      return false
  }
}

function step(editor: Editor, way: Direction): boolean {
  const next = walk(editor.definition.value, editor.selection.value.at(-1) ?? null, way)
  if (next === null) return true
  const group = editor.hiddenIn(next)
  if (group !== null) return stepOnGroup(editor, group)
  editor.focusNode(next)
  editor.surface.value?.focusNode(next)
  const node = editor.node(next)
  if (node) editor.announce(editor.titleOf(node))
  return true
}

function nudge(editor: Editor, way: Direction): boolean {
  const by = {
    left: [-GRID, 0],
    right: [GRID, 0],
    up: [0, -GRID],
    down: [0, GRID],
  }[way] as [number, number]
  const moved = new Map<string, { x: number; y: number }>()
  const { value: definition } = editor.definition
  for (const id of withMembers(definition, editor.selected.value)) {
    const at = (nodeOf(definition, id) ?? noteOf(definition, id))?.position
    if (at) moved.set(id, { x: at.x + by[0], y: at.y + by[1] })
  }
  if (moved.size) editor.moved(moved)
  return true
}

function toggleDisabled(editor: Editor): void {
  const chosen = editor.selection.value.flatMap((id) => editor.node(id) ?? [])
  const disabled = !chosen.every((node) => node.disabled === true)
  for (const node of chosen) {
    editor.updateNode(node.id, { disabled: disabled || undefined })
  }
}

function selectDownstream(editor: Editor): void {
  const found = new Set(editor.selection.value)
  for (const id of editor.selection.value) {
    for (const next of downstreamOf(editor.definition.value, id)) found.add(next)
  }
  editor.select([...found])
}
