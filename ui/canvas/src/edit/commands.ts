/** What each command does to the editor; keys and menus only name commands. */
import { GRID } from '../document/geometry'
import { downstreamOf, nodeOf, noteOf } from '../document/document'
import { withMembers } from '../document/groups'
import type { Alignment } from './align'
import { performOnGroups, stepOnGroup } from './groups'
import { partOf, type Situation } from './hindrance'
import type { Command } from './keyboard'
import { partTarget } from './selection'
import { letGo } from './session'
import type { Editor } from './store'
import { walk, type Direction } from './walk'

/** What the page around the store does. */
export interface Stage {
  commands(): void
  find(): void
  panel(which: 'palette' | 'inspector'): void
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

export interface Context extends Situation {
  readonly stage: Stage
}

/** True when the command was carried out and the browser must not act on the key as well. */
export function perform(command: Command, context: Context): boolean {
  const { editor, run, stage } = context
  if (performOnGroups(command, editor)) return true
  const [verb, way] = command.split('-') as [string, string | undefined]
  if (verb === 'walk') return step(editor, way as Direction)
  if (verb === 'nudge') return nudge(editor, way as Direction)
  if (verb === 'align') {
    editor.align(way as Alignment)
    return true
  }
  switch (command) {
    case 'commands':
      stage.commands()
      return true
    case 'find':
      stage.find()
      return true
    case 'toggle-palette':
    case 'toggle-inspector':
      stage.panel(command === 'toggle-palette' ? 'palette' : 'inspector')
      return true
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
    case 'zoom-selection':
      editor.surface.value?.fit([...withMembers(editor.definition.value, editor.selected.value)])
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
    case 'run-mock':
    case 'run-debug':
      run.requestStart({ mode: command === 'run-mock' ? 'mock' : 'debug' })
      return true
    case 'run-options':
      run.requestStart({ mode: 'full', options: true })
      return true
    case 'cancel-run':
      void run.controls.cancel()
      return true
    case 'retry-run':
      void run.controls.retry()
      return true
    case 'clear-run':
      letGo(editor, run)
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

/** What is done with the one selected step, or with what a selection ends or begins with. */
function onStep(command: Command, { editor, steering }: Context): boolean {
  const part = partOf(command)
  const id = part === null ? editor.selectedNode.value?.id : partTarget(editor, part)
  if (id === undefined || id === null) {
    editor.refuse('Select one step first.')
    return true
  }
  if (part !== null) {
    void steering.runPart(part, id)
    return true
  }
  switch (command) {
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
  const ids = editor.selection.value
  editor.switchNodes(
    ids,
    ids.every((id) => editor.node(id)?.disabled === true),
  )
}

function selectDownstream(editor: Editor): void {
  const found = new Set(editor.selection.value)
  for (const id of editor.selection.value) {
    for (const next of downstreamOf(editor.definition.value, id)) found.add(next)
  }
  editor.select([...found])
}
