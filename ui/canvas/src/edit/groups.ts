/** What a person does with groups: make, name, colour, open, close, dissolve, delete them. */
import {
  dissolve,
  groupingRefusal,
  groupsOf,
  makeGroup,
  openFrames,
  ownerOf,
  patchGroup,
  regroup,
  withMembers,
} from '../document/groups'
import { plural } from '../plural'
import type { Definition, Group, Size } from '../seam'
import type { Command } from './keyboard'
import { soleGroup } from './selection'
import type { Editor } from './store'

export type GroupCommand = 'group' | 'ungroup' | 'fold' | 'select-group' | 'sub-workflow'

/** Why it cannot be done with what is selected; null when it can. */
export function groupHindrance(command: GroupCommand, editor: Editor): string | null {
  switch (command) {
    case 'group':
      return groupingRefusal(editor.definition.value, editor.selected.value)
    case 'ungroup':
    case 'fold':
      return meant(editor).length > 0 ? null : 'Select a group, or a step in one.'
    case 'select-group':
      return groupsAround(editor).length > 0 ? null : 'No group is around the selection.'
    case 'sub-workflow':
      return editor.selection.value.length > 0
        ? null
        : 'Select the steps that are to become a workflow of their own.'
  }
}

/** True when the command was about groups and has been carried out, or why not was said. */
export function performOnGroups(command: Command, editor: Editor): boolean {
  const { value: chosen } = editor.selectedGroups
  const only = soleGroup(editor)
  switch (command) {
    case 'group':
    case 'ungroup':
    case 'fold':
    case 'select-group':
    case 'sub-workflow': {
      const reason = groupHindrance(command, editor)
      if (reason === null) OF_GROUPS[command](editor)
      else editor.refuse(reason)
      return true
    }
    case 'inspect':
      if (chosen.length === 0) return false
      toggle(editor, chosen)
      return true
    case 'rename':
      if (only === null) return false
      editor.nameGroup.value = only
      return true
    default:
      return false
  }
}

const OF_GROUPS: Readonly<Record<GroupCommand, (editor: Editor) => void>> = {
  group: groupSelection,
  ungroup: (editor) => ungroup(editor, meant(editor)),
  fold: (editor) => toggle(editor, meant(editor)),
  'select-group': selectGroup,
  'sub-workflow': extract,
}

/** The selected groups, else those around the selected steps. */
function meant(editor: Editor): readonly string[] {
  const { value: chosen } = editor.selectedGroups
  return chosen.length > 0 ? chosen : groupsAround(editor)
}

export function groupSelection(editor: Editor): void {
  if (editor.readOnly.value) return
  const made = makeGroup(editor.definition.value, editor.nodeTypes.value, editor.selected.value)
  if ('reason' in made) return
  const count = editor.selection.value.length
  editor.commit(made.definition, 'Group')
  editor.select([made.id])
  editor.nameGroup.value = made.id
  editor.announce(`${plural(count, 'step')} grouped`)
}

export function ungroup(editor: Editor, ids: readonly string[]): void {
  if (editor.readOnly.value) return
  const { value: definition } = editor.definition
  const inside = [...withMembers(definition, ids)].filter((id) => !groupsOf(definition).has(id))
  editor.commit(dissolve(definition, new Set(ids)), 'Ungroup')
  editor.select(inside)
  editor.announce('Ungrouped')
}

/** A group that is deleted together with its steps, or whose steps stay. */
export function deleteGroups(editor: Editor, ids: ReadonlySet<string>, whole: boolean): void {
  editor.deletingGroups.value = null
  if (whole) editor.removeWhole()
  else ungroup(editor, [...ids])
  editor.surface.value?.focus()
}

/** Closed while any of them is open. A reader changes only what is seen. */
export function toggle(editor: Editor, ids: readonly string[]): void {
  const collapsed = ids.some((id) => !editor.isCollapsed(id))
  const folds = new Map(editor.folds.value)
  for (const id of ids) {
    if (editor.readOnly.value) folds.set(id, collapsed)
    else folds.delete(id)
  }
  editor.folds.value = folds
  if (!editor.readOnly.value) {
    const next = ids.reduce(
      (definition, id) => patchGroup(definition, id, { collapsed }),
      editor.definition.value,
    )
    editor.commit(next, collapsed ? 'Close group' : 'Open group')
  }
  editor.surface.value?.sync()
  editor.select(ids)
  const [first] = ids
  if (first !== undefined) editor.surface.value?.focusNode(first)
  editor.announce(collapsed ? 'Group closed' : 'Group opened')
}

export function updateGroup(
  editor: Editor,
  id: string,
  patch: Partial<Omit<Group, 'id'>>,
  coalesceKey?: string,
): void {
  const key = coalesceKey === undefined ? null : `${id}:${coalesceKey}`
  editor.commit(patchGroup(editor.definition.value, id, patch), 'Edit group', key)
}

export function resizeGroup(editor: Editor, id: string, size: Size): void {
  editor.commit(patchGroup(editor.definition.value, id, { size }), 'Resize', `${id}:size`)
}

/** The arrow keys have come to a step inside a closed group: it stands for the step. */
export function stepOnGroup(editor: Editor, id: string): true {
  editor.select([id])
  editor.surface.value?.centre(id)
  editor.surface.value?.focusNode(id)
  editor.announce(`${nameOf(editor, id)}, closed group`)
  return true
}

/** Opens, for looking only, the closed groups around a step. */
export function reveal(editor: Editor, id: string): void {
  if (editor.hiddenIn(id) === null) return
  const folds = new Map(editor.folds.value)
  for (let hidden = editor.hiddenIn(id); hidden !== null; hidden = editor.hiddenIn(id)) {
    folds.set(hidden, false)
    editor.folds.value = new Map(folds)
  }
  editor.surface.value?.sync()
}

/** What was added inside an open frame is a member of its group. */
export function joined(editor: Editor, definition: Definition, ids: readonly string[]): Definition {
  const types = editor.nodeTypes.value
  const frames = openFrames(editor.definition.value, types, (id) => !editor.isCollapsed(id))
  return regroup(definition, types, ids, frames)
}

export function nameOf(editor: Editor, id: string): string {
  return editor.group(id)?.group.name || 'Group'
}

function selectGroup(editor: Editor): void {
  const around = groupsAround(editor)
  editor.select(around)
  const [first] = around
  if (first === undefined) return
  editor.surface.value?.focusNode(first)
  editor.announce(`Group ${nameOf(editor, first)}`)
}

/** The groups that the selected steps are members of. */
function groupsAround(editor: Editor): readonly string[] {
  const found = new Set<string>()
  for (const id of editor.selected.value) {
    const owner = ownerOf(editor.definition.value, id)
    if (owner !== null) found.add(owner)
  }
  return [...found]
}

function extract(editor: Editor): void {
  if (editor.readOnly.value) return
  const [only, ...more] = editor.selectedGroups.value
  const name = only !== undefined && more.length === 0 ? nameOf(editor, only) : ''
  const chosen = withMembers(editor.definition.value, editor.selected.value)
  editor.extracting.value = { ids: [...chosen].filter((id) => editor.node(id) ?? editor.note(id)), name }
}
