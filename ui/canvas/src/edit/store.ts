/** Every command on the drawing; components only call, they never change it themselves. */
import { inject, type InjectionKey } from 'vue'
import type {
  Definition,
  DefinitionPatch,
  EditorStore,
  NodePatch,
  Note,
  Position,
  Size,
} from '../seam'
import {
  addEdge,
  addNote,
  edgesOf,
  freshEdgeId,
  freshId,
  mapNodes,
  move,
  nodeOf,
  patchNode,
  patchNote,
  places,
  remove,
  resize,
  scopeOf,
  usedIds,
} from '../document/document'
import { withId } from '../document/renameStep'
import { placementRefusal, refusal, type Wire } from '../document/connect'
import { freeSpot } from '../document/geometry'
import { groupsOf, settleGroups, withMembers } from '../document/groups'
import { layout } from '../document/layout'
import { outputPorts } from '../document/ports'
import { prune } from '../document/prune'
import { align, type Alignment } from './align'
import { copy, read, write, type Clip } from './clipboard'
import { drop } from './drop'
import { joined, reveal } from './groups'
import { keepHistory, recallHistory } from './keptHistory'
import type { Toast } from './messages'
import { pasteBeside } from './pasting'
import { growAll, insert, scopeAt, taken, type Loose } from './place'
import { EditorState, type QuickAdd } from './state'
import { plural } from '../plural'

export type { QuickAdd, Surface } from './state'

export class Editor extends EditorState implements EditorStore {
  private clip: Clip | null = null
  private pasteShift = 0
  private serial = 0

  // ---- opening ---------------------------------------------------------------------------------

  open(definition: Definition): void {
    this.history.reset(definition)
    this.show(definition)
  }

  /** What undo and redo go through after a reload; nothing when the drawing is another one. */
  recall(): void {
    if (this.readOnly.value) return
    const kept = recallHistory(this.workflowId, this.definition.value)
    if (!kept) return
    this.history.restore(kept.entries, kept.position)
    this.historyTick.value += 1
    this.selected.value = new Set(kept.selected)
  }

  keep(): void {
    const { entries, position } = this.history
    if (this.readOnly.value || entries.length < 2) return
    keepHistory(this.workflowId, { entries, position, selected: [...this.selected.value] })
  }

  /** Another drawing replaces this one, and undo brings this one back. */
  replace(definition: Definition, label: string): void {
    this.history.commit(definition, label)
    this.show(definition)
  }

  /** As `replace`, with the other drawing as a step of its own in between: undo shows it. */
  replaceTwice(other: Definition, definition: Definition, label: string): void {
    this.history.commit(other, 'The drawing made elsewhere')
    this.replace(definition, label)
  }

  // ---- changing --------------------------------------------------------------------------------

  commit(next: Definition, label: string, coalesceKey: string | null = null): void {
    if (this.readOnly.value || next === this.definition.value) return
    const settled = settleGroups(this.definition.value, next, this.nodeTypes.value)
    this.history.commit(settled, label, coalesceKey)
    this.messages.settle()
    this.show(settled)
    this.saving.value?.edited(settled)
  }

  undo(): void {
    this.travel(this.history.undoLabel, this.history.undo(), 'Undone')
  }

  redo(): void {
    this.travel(this.history.redoLabel, this.history.redo(), 'Redone')
  }

  updateNode(id: string, patch: NodePatch, coalesceKey?: string): void {
    const node = this.node(id)
    if (!node) return
    this.commit(
      prune(patchNode(this.definition.value, id, patch), this.nodeTypes.value, id),
      `Edit ${this.titleOf(node)}`,
      coalesceKey === undefined ? null : `${id}:${coalesceKey}`,
    )
  }

  /** The step under another id, with all that refers to it: one step of undo. */
  renameStep(id: string, to: string): void {
    const node = this.node(id)
    if (!node || this.readOnly.value || usedIds(this.definition.value).has(to)) return
    const selected = this.selection.value.map((one) => (one === id ? to : one))
    this.commit(
      withId(this.definition.value, this.nodeTypes.value, id, to),
      `Call ${this.titleOf(node)} steps.${to}`,
    )
    for (const side of ['before', 'after'] as const)
      if (this.breakpoints.has(id, side)) {
        this.breakpoints.toggle(id, side)
        this.breakpoints.toggle(to, side)
      }
    this.select(selected)
  }

  switchNodes(ids: readonly string[], on: boolean): void {
    const label = `Switch ${on ? 'on' : 'off'} ${plural(ids.length, 'step')}`
    const next = mapNodes(this.definition.value, new Set(ids), ({ disabled: _, ...node }) =>
      on ? node : { ...node, disabled: true },
    )
    this.commit(next, label)
  }

  updateDefinition(patch: DefinitionPatch, coalesceKey?: string): void {
    this.commit(
      { ...this.definition.value, ...patch },
      'Edit workflow settings',
      coalesceKey === undefined ? null : `definition:${coalesceKey}`,
    )
  }

  updateNote(id: string, patch: Partial<Omit<Note, 'id'>>, coalesceKey?: string): void {
    const key = coalesceKey === undefined ? null : `${id}:${coalesceKey}`
    this.commit(patchNote(this.definition.value, id, patch), 'Edit note', key)
  }

  moved(positions: ReadonlyMap<string, Position>): void {
    let next = move(this.definition.value, positions)
    for (const id of positions.keys()) {
      if (nodeOf(next, id)) next = growAll(next, this.nodeTypes.value, id)
    }
    const count = positions.size
    this.commit(next, count === 1 ? 'Move' : `Move ${count} items`, null)
  }

  /** Dropped nodes change their container when their middle lies in another one. */
  dropped(positions: ReadonlyMap<string, Position>): void {
    const { definition, cut, refused } = drop(
      this.definition.value,
      this.nodeTypes.value,
      positions,
      (id) => !this.isCollapsed(id),
    )
    this.commit(definition, positions.size === 1 ? 'Move' : `Move ${positions.size} items`)
    if (refused !== null) this.refuse(refused)
    if (cut) {
      this.notify(
        `${plural(cut, 'connection')} removed: none may cross a container’s border.`,
        'warning',
      )
    }
  }

  resized(id: string, size: Size): void {
    this.commit(resize(this.definition.value, id, size), 'Resize', `${id}:size`)
  }

  /** Null when the wire is drawn, else the reason why not. */
  connect(wire: Wire): string | null {
    const reason = refusal(this.definition.value, this.nodeTypes.value, wire)
    if (reason !== null) return reason
    const edge = {
      id: freshEdgeId(usedIds(this.definition.value)),
      source: wire.source,
      source_port: wire.sourcePort,
      target: wire.target,
      target_port: wire.targetPort,
    }
    this.commit(addEdge(this.definition.value, edge), 'Connect')
    return null
  }

  refusal(wire: Wire): string | null {
    return refusal(this.definition.value, this.nodeTypes.value, wire)
  }

  add(type: string, wish: Partial<QuickAdd> = {}): string | null {
    const found = this.nodeTypes.value.get(type)
    if (!found || this.readOnly.value) return null
    const fallback = wish.at ?? this.freeCentre()
    const scope = wish.loose
      ? scopeOf(this.definition.value, wish.loose.node)
      : scopeAt(this.definition.value, this.nodeTypes.value, fallback)
    const reason = placementRefusal(this.definition.value, this.nodeTypes.value, type, scope)
    if (reason !== null) {
      this.refuse(reason)
      return null
    }
    const { definition, id } = insert(this.definition.value, this.nodeTypes.value, {
      type: found,
      fallback,
      ...(wish.at ? { at: wish.at } : {}),
      ...(wish.loose ? { loose: wish.loose } : {}),
      ...(wish.edge !== undefined ? { edge: wish.edge } : {}),
    })
    this.commit(joined(this, definition, [id]), `Add ${found.title}`)
    this.added.value = { id }
    this.select([id])
    this.announce(`${found.title} added`)
    return id
  }

  /** The output that a node added from the keyboard continues: the selection's first free one. */
  looseEnd(): Loose | undefined {
    const node = this.selectedNode.value
    if (!node) return undefined
    const ports = outputPorts(node, this.typeOf(node)).map(({ name }) => name)
    const used = new Set(
      edgesOf(this.definition.value)
        .filter(({ edge }) => edge.source === node.id)
        .map(({ edge }) => edge.source_port ?? 'out'),
    )
    const port = ports.find((name) => !used.has(name)) ?? ports[0]
    return port === undefined ? undefined : { node: node.id, port, side: 'source' }
  }

  addNote(): void {
    if (this.readOnly.value) return
    const id = freshId(usedIds(this.definition.value), 'note')
    const size = { width: 240, height: 128 }
    const position = freeSpot(
      this.freeCentre(),
      size,
      taken(this.definition.value, this.nodeTypes.value, null),
    )
    const note = { id, text: '', position, size }
    this.commit(addNote(this.definition.value, note), 'Add note')
    this.select([id])
    this.editNote.value = id
  }

  removeNodes(ids: readonly string[]): void {
    this.removeAll(new Set(ids))
  }

  /** Asks first what a group's end means for its steps. */
  removeSelected(): void {
    const groups = this.selectedGroups.value
    if (groups.length > 0 && !this.readOnly.value) this.deletingGroups.value = new Set(groups)
    else this.removeAll(this.selected.value)
  }

  /** Groups go together with all that is in them. */
  removeWhole(): void {
    this.removeAll(withMembers(this.definition.value, this.selected.value))
  }

  removeEdge(id: string): void {
    this.removeAll(new Set([id]))
  }

  selectAll(): void {
    const notes = (this.definition.value.notes ?? []).map((note) => note.id)
    const groups = [...groupsOf(this.definition.value).keys()]
    this.select([...places(this.definition.value).keys(), ...notes, ...groups])
  }

  align(how: Alignment): void {
    const next = align(this.definition.value, this.nodeTypes.value, [...this.selected.value], how)
    this.commit(next, 'Align')
  }

  async tidy(): Promise<void> {
    const before = this.definition.value
    const only = this.selection.value.length > 1 ? new Set(this.selection.value) : null
    const next = await layout(before, this.nodeTypes.value, only)
    if (before !== this.definition.value) return
    this.commit(next, 'Tidy up')
    if (only === null) this.surface.value?.fit()
  }

  // ---- clipboard -------------------------------------------------------------------------------

  /** The selection as JSON for the system clipboard. */
  copied(): string | null {
    this.clip = copy(this.definition.value, this.selected.value)
    this.pasteShift = 0
    return this.clip === null ? null : write(this.clip)
  }

  pasteText(text: string, at?: Position): boolean {
    const clip = read(text)
    if (!clip) return false
    this.pasteClip(clip, at)
    return true
  }

  /** Paste what this tab copied, where the browser does not let us read its clipboard. */
  pasteOwn(): void {
    if (this.clip) this.pasteClip(this.clip)
  }

  duplicate(): void {
    const clip = copy(this.definition.value, this.selected.value)
    this.pasteShift = 0
    if (clip) this.pasteClip(clip, undefined, 'Duplicate')
  }

  private pasteClip(clip: Clip, at?: Position, label = 'Paste'): void {
    if (this.readOnly.value) return
    this.pasteShift += 32
    const { definition, ids, refused } = pasteBeside(
      this.definition.value,
      this.nodeTypes.value,
      clip,
      {
        at,
        shift: this.pasteShift,
        fallback: this.freeCentre(),
      },
    )
    if (ids.length) this.commit(joined(this, definition, ids), label)
    if (refused[0] !== undefined) this.refuse(refused[0])
    if (!ids.length) return
    this.select(ids)
    this.announce(`${plural(ids.length, 'item')} pasted`)
  }

  // ---- attention -------------------------------------------------------------------------------

  select(ids: readonly string[]): void {
    this.selected.value = new Set(ids)
    this.surface.value?.select(ids)
  }

  focusNode(id: string, field?: string, readable = false): void {
    if (!this.node(id) && !this.note(id)) return
    reveal(this, id)
    this.select([id])
    this.surface.value?.centre(id, readable)
    if (field !== undefined && field !== '') {
      this.fieldFocus.value = { nodeId: id, field, serial: ++this.serial }
    }
  }

  announce(message: string): void {
    this.messages.announce(message)
  }

  notify(message: string, kind: Toast['kind'] = 'info'): void {
    this.messages.notify(message, kind)
  }

  /** Says why something was not done, until something is. */
  refuse(message: string): void {
    this.messages.notify(message, 'warning', true)
  }

  async flush(): Promise<void> {
    await this.saving.value?.flush()
  }

  // ---- inside ----------------------------------------------------------------------------------

  private freeCentre(): Position {
    return this.surface.value?.viewCentre() ?? { x: 0, y: 0 }
  }

  private removeAll(ids: ReadonlySet<string>): void {
    if (ids.size === 0) return
    const next = remove(this.definition.value, ids)
    if (next === this.definition.value) return
    this.commit(next, ids.size === 1 ? 'Delete' : `Delete ${ids.size} items`)
    this.select([])
    this.surface.value?.focus()
    this.announce(`${plural(ids.size, 'item')} deleted`)
  }

  private travel(label: string | null, state: Definition | null, verb: string): void {
    if (state === null || this.readOnly.value) return
    this.show(state)
    this.saving.value?.edited(state)
    this.announce(`${verb}: ${label ?? ''}`)
  }

  private show(definition: Definition): void {
    this.definition.value = definition
    this.historyTick.value += 1
    this.surface.value?.sync()
  }
}

export { plural }

export const STORE: InjectionKey<Editor> = Symbol('canvas editor')

export function useStore(): Editor {
  const editor = inject(STORE)
  if (!editor) throw new Error('No editor is provided')
  return editor
}
