/** What a command on a part of the drawing means while several steps are selected. */
import type { Definition } from '../seam'
import { downstreamOf, nodeOf, noteOf, scopeOf } from '../document/document'
import { membersOf, withMembers } from '../document/groups'
import type { Part } from '../run/parts'
import type { Editor } from './store'

/** The selected steps and notes, those of selected groups too; connections come along with them. */
export function chosen(editor: Editor): readonly string[] {
  const { value: definition } = editor.definition
  const ids = withMembers(definition, editor.selected.value)
  const notes = (definition.notes ?? []).map(({ id }) => id)
  return [...editor.selection.value, ...notes.filter((id) => ids.has(id))]
}

/** Those that are aligned one by one: a group keeps its members as they are. */
export function movable(editor: Editor): readonly string[] {
  const { value: definition } = editor.definition
  return [...editor.selected.value].filter(
    (id) => nodeOf(definition, id) ?? noteOf(definition, id),
  )
}

/** The one group that is selected, and nothing besides what is in it. */
export function soleGroup(editor: Editor): string | null {
  const [only, ...more] = editor.selectedGroups.value
  if (only === undefined || more.length > 0) return null
  const members = new Set(membersOf(editor.definition.value, only))
  return chosen(editor).every((id) => members.has(id)) ? only : null
}

/** The one step that a part is run up to or from; null when the selection does not tell. */
export function partTarget(editor: Editor, how: Part): string | null {
  const ids = editor.selection.value
  const [only, ...more] = ids
  if (only === undefined || more.length === 0) return only ?? null
  if (how === 'node') return null
  return how === 'until'
    ? lastOf(editor.definition.value, ids)
    : firstOf(editor.definition.value, ids)
}

/** The selected step that all others of the selection lead to. */
export function lastOf(definition: Definition, ids: readonly string[]): string | null {
  const chosen = new Set(ids)
  return sole(
    definition,
    ids.filter((id) => [...downstreamOf(definition, id)].every((after) => !chosen.has(after))),
  )
}

/** The selected step that leads to all others of the selection. */
export function firstOf(definition: Definition, ids: readonly string[]): string | null {
  const after = new Set(ids.flatMap((id) => [...downstreamOf(definition, id)]))
  return sole(
    definition,
    ids.filter((id) => !after.has(id)),
  )
}

/** Without a circle, the only end of a selection is where all of it leads. */
function sole(definition: Definition, ids: readonly string[]): string | null {
  const [only, ...more] = ids
  return only === undefined || more.length || scopeOf(definition, only) !== null ? null : only
}
