/** The editor's state and every command on it; components only call, they never change it. */
import { computed, reactive, shallowRef, type ComputedRef, type InjectionKey, type ShallowRef, inject } from 'vue'
import type {
  Definition,
  DefinitionPatch,
  EditorStore,
  Node,
  NodePatch,
  NodeType,
  Note,
  Position,
  Problem,
  Size,
} from '../seam'
import {
  addEdge,
  addNote,
  containersOf,
  edgesOf,
  freshEdgeId,
  freshId,
  move,
  nodeOf,
  noteOf,
  patchNode,
  patchNote,
  places,
  remove,
  rescope,
  resize,
  absolutePosition,
  scopeOf,
  upstreamOf,
  usedIds,
} from '../document/document'
import { placementRefusal, refusal, type Wire } from '../document/connect'
import { layout } from '../document/layout'
import { freeSpot, isContainer, sizeOf, snapped } from '../document/geometry'
import { inputPorts, outputPorts, titleOf } from '../document/ports'
import { align, type Alignment } from './align'
import { copy, paste, read, write, type Clip } from './clipboard'
import { History } from './history'
import { growAll, insert, relative, scopeAt, taken, type Loose } from './place'
import type { SaveState, Saving } from './saving'

/** What the drawing surface does for the store. */
export interface Surface {
  /** Draw the present definition now. */
  sync(): void
  select(ids: readonly string[]): void
  centre(id: string): void
  fit(): void
  viewCentre(): Position
  focus(): void
  focusNode(id: string): void
}

export interface Toast {
  readonly id: number
  readonly message: string
  readonly kind: 'info' | 'warning' | 'error'
}

export interface QuickAdd {
  /** Where the palette opens, in client pixels. */
  readonly client: Position
  readonly at?: Position
  readonly loose?: Loose
  readonly edge?: string
}

const EMPTY: Definition = Object.freeze({})
const TOAST_MS = 5000

export class Editor implements EditorStore {
  readonly definition: ShallowRef<Definition> = shallowRef(EMPTY)
  readonly nodeTypes: ShallowRef<ReadonlyMap<string, NodeType>> = shallowRef(new Map())
  readonly problems: ShallowRef<readonly Problem[]> = shallowRef([])
  /** Everything selected: nodes, notes and edges. */
  readonly selected: ShallowRef<ReadonlySet<string>> = shallowRef(new Set())
  readonly fieldFocus: EditorStore['fieldFocus'] & ShallowRef = shallowRef(null)
  readonly saving: ShallowRef<Saving | null> = shallowRef(null)
  readonly surface: ShallowRef<Surface | null> = shallowRef(null)
  readonly quickAdd: ShallowRef<QuickAdd | null> = shallowRef(null)
  /** The note that is to be written in, once it is drawn. */
  readonly editNote: ShallowRef<string | null> = shallowRef(null)
  readonly toasts: Toast[] = reactive([])
  readonly live: ShallowRef<string> = shallowRef('')
  readonly locked: ShallowRef<boolean> = shallowRef(false)
  /** Grows with each change of the undo log, which is no reactive thing itself. */
  readonly historyTick: ShallowRef<number> = shallowRef(0)
  readonly history = new History<Definition>(EMPTY)

  readonly readOnly: ComputedRef<boolean> = computed(
    () => this.mode === 'run' || this.locked.value,
  )
  readonly selection: ComputedRef<readonly string[]> = computed(() =>
    [...places(this.definition.value).keys()].filter((id) => this.selected.value.has(id)),
  )
  readonly selectedNode: ComputedRef<Node | null> = computed(() => {
    const [only, ...more] = this.selection.value
    if (only === undefined || more.length) return null
    return nodeOf(this.definition.value, only) ?? null
  })
  readonly canUndo = computed(() => this.historyTick.value >= 0 && this.history.canUndo)
  readonly canRedo = computed(() => this.historyTick.value >= 0 && this.history.canRedo)
  readonly saveState: ComputedRef<SaveState> = computed(
    () => this.saving.value?.state.value ?? 'saved',
  )
  readonly isEmpty = computed(
    () =>
      (this.definition.value.nodes ?? []).length === 0 &&
      (this.definition.value.notes ?? []).length === 0,
  )

  private readonly problemIndex = computed(() => {
    const index = new Map<string, Problem[]>()
    for (const problem of this.problems.value) {
      if (!problem.node_id) continue
      const known = index.get(problem.node_id)
      if (known) known.push(problem)
      else index.set(problem.node_id, [problem])
    }
    return index
  })
  private clip: Clip | null = null
  private pasteShift = 0
  private serial = 0

  constructor(
    readonly workflowId: string,
    readonly mode: 'edit' | 'run',
  ) {}

  // ---- opening ---------------------------------------------------------------------------------

  open(definition: Definition): void {
    this.history.reset(definition)
    this.show(definition)
  }

  /** Another drawing replaces this one, and undo brings this one back. */
  replace(definition: Definition, label: string): void {
    this.history.commit(definition, label)
    this.show(definition)
  }

  // ---- reading ---------------------------------------------------------------------------------

  node(id: string): Node | undefined {
    return nodeOf(this.definition.value, id)
  }

  note(id: string): Note | undefined {
    return noteOf(this.definition.value, id)
  }

  typeOf(node: Node): NodeType | undefined {
    return this.nodeTypes.value.get(node.type)
  }

  titleOf(node: Node): string {
    return titleOf(node, this.typeOf(node))
  }

  portsOf(node: Node): readonly string[] {
    return outputPorts(node, this.typeOf(node)).map((port) => port.name)
  }

  upstreamOf(id: string): readonly Node[] {
    return upstreamOf(this.definition.value, id)
  }

  containersOf(id: string): readonly string[] {
    return containersOf(this.definition.value, id)
  }

  /** A node's corner in canvas coordinates. */
  absolute(id: string): Position {
    return absolutePosition(this.definition.value, id)
  }

  problemsOf(id: string): readonly Problem[] {
    return this.problemIndex.value.get(id) ?? NONE
  }

  // ---- changing --------------------------------------------------------------------------------

  commit(next: Definition, label: string, coalesceKey: string | null = null): void {
    if (this.readOnly.value || next === this.definition.value) return
    this.history.commit(next, label, coalesceKey)
    this.show(next)
    this.saving.value?.edited(next)
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
    const types = this.nodeTypes.value
    let next = move(this.definition.value, positions)
    let cut = 0
    const moving = new Set(positions.keys())
    for (const id of positions.keys()) {
      const node = nodeOf(next, id)
      if (!node || containersOf(next, id).some((outer) => moving.has(outer))) continue
      const size = sizeOf(node, types.get(node.type))
      const corner = absolutePosition(next, id)
      const middle = { x: corner.x + size.width / 2, y: corner.y + size.height / 2 }
      const scope = scopeAt(next, types, middle, moving)
      if (scope !== scopeOf(next, id) && node.type !== 'start') {
        const before = edgesOf(next).length
        next = rescope(next, id, scope, snapped(relative(next, scope, corner)))
        cut += before - edgesOf(next).length
      }
      next = growAll(next, types, id)
    }
    this.commit(next, positions.size === 1 ? 'Move' : `Move ${positions.size} items`)
    if (cut) {
      this.notify(`${plural(cut, 'connection')} removed: none may cross a container’s border.`, 'warning')
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
      this.notify(reason, 'warning')
      return null
    }
    const { definition, id } = insert(this.definition.value, this.nodeTypes.value, {
      type: found,
      fallback,
      ...(wish.at ? { at: wish.at } : {}),
      ...(wish.loose ? { loose: wish.loose } : {}),
      ...(wish.edge !== undefined ? { edge: wish.edge } : {}),
    })
    this.commit(definition, `Add ${found.title}`)
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

  removeSelected(): void {
    this.removeAll(this.selected.value)
  }

  removeEdge(id: string): void {
    this.removeAll(new Set([id]))
  }

  selectAll(): void {
    const notes = (this.definition.value.notes ?? []).map((note) => note.id)
    this.select([...places(this.definition.value).keys(), ...notes])
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
    const types = this.nodeTypes.value
    const sources = [...clip.nodes, ...clip.notes]
    this.pasteShift += 32
    const corner = {
      x: Math.min(...sources.map(({ position }) => position?.x ?? 0)) + this.pasteShift,
      y: Math.min(...sources.map(({ position }) => position?.y ?? 0)) + this.pasteShift,
    }
    const known = sources.every(({ id }) => usedIds(this.definition.value).has(id))
    const target = at ?? (known ? corner : this.freeCentre())
    const scope = scopeAt(this.definition.value, types, target)
    const result = paste(this.definition.value, clip, {
      scope,
      at: snapped(relative(this.definition.value, scope, target)),
      refuse: (type) => placementRefusal(this.definition.value, types, type, scope),
    })
    let next = result.definition
    for (const id of result.ids) if (nodeOf(next, id)) next = growAll(next, types, id)
    if (result.refused.length) this.notify(result.refused[0] ?? '', 'warning')
    if (!result.ids.length) return
    this.commit(next, label)
    this.select(result.ids)
    this.announce(`${plural(result.ids.length, 'item')} pasted`)
  }

  // ---- attention -------------------------------------------------------------------------------

  select(ids: readonly string[]): void {
    this.selected.value = new Set(ids)
    this.surface.value?.select(ids)
  }

  focusNode(id: string, field?: string): void {
    if (!this.node(id) && !this.note(id)) return
    this.select([id])
    this.surface.value?.centre(id)
    if (field !== undefined && field !== '') {
      this.fieldFocus.value = { nodeId: id, field, serial: ++this.serial }
    }
  }

  announce(message: string): void {
    this.live.value = message
  }

  notify(message: string, kind: Toast['kind'] = 'info'): void {
    if (this.toasts.some((toast) => toast.message === message)) return
    const id = ++this.serial
    this.toasts.push({ id, message, kind })
    if (this.toasts.length > 3) this.toasts.shift()
    this.announce(message)
    setTimeout(() => this.dismiss(id), kind === 'error' ? 2 * TOAST_MS : TOAST_MS)
  }

  dismiss(id: number): void {
    const index = this.toasts.findIndex((toast) => toast.id === id)
    if (index >= 0) this.toasts.splice(index, 1)
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

const NONE: readonly Problem[] = Object.freeze([])

/** Edges from ports that a node no longer has would be invisible: they go with their port. */
function prune(
  definition: Definition,
  types: ReadonlyMap<string, NodeType>,
  id: string,
): Definition {
  const node = nodeOf(definition, id)
  if (!node || isContainer(node, types.get(node.type))) return definition
  const type = types.get(node.type)
  const outputs = new Set(outputPorts(node, type).map(({ name }) => name))
  const inputs = new Set(inputPorts(type).map(({ name }) => name))
  const lost = edgesOf(definition)
    .filter(
      ({ edge }) =>
        (edge.source === id && !outputs.has(edge.source_port ?? 'out')) ||
        (edge.target === id && !inputs.has(edge.target_port ?? 'in')),
    )
    .map(({ edge }) => edge.id)
  return lost.length ? remove(definition, new Set(lost)) : definition
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

export const STORE: InjectionKey<Editor> = Symbol('canvas editor')

export function useStore(): Editor {
  const editor = inject(STORE)
  if (!editor) throw new Error('No editor is provided')
  return editor
}
