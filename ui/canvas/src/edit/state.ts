/** What the editor knows, as reactive values, and the questions that components ask of it. */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import type {
  Definition,
  EditorStore,
  Node,
  NodeType,
  Note,
  Position,
  Problem,
  RunSettings,
} from '../seam'
import {
  absolutePosition,
  containersOf,
  nodeOf,
  noteOf,
  places,
  upstreamOf,
} from '../document/document'
import { groupsOf, ownerOf, withMembers, type PlacedGroup } from '../document/groups'
import { outputPorts, titleOf } from '../document/ports'
import { Breakpoints } from './breakpoints'
import { History } from './history'
import { Messages } from './messages'
import { Marks } from './marks'
import type { Loose } from './place'
import type { SaveState, Saving } from './saving'

/** What the drawing surface does for the store. */
export interface Surface {
  /** Draw the present definition now. */
  sync(): void
  select(ids: readonly string[]): void
  /** `readable`: into the middle, and never smaller than can be read. */
  centre(id: string, readable?: boolean): void
  fit(ids?: readonly string[]): void
  viewCentre(): Position
  focus(): void
  focusNode(id: string): void
}

export interface QuickAdd {
  /** Where the palette opens, in client pixels. */
  readonly client: Position
  readonly at?: Position
  readonly loose?: Loose
  readonly edge?: string
}

const EMPTY: Definition = Object.freeze({})
const NONE: readonly Problem[] = Object.freeze([])

/** Commands are in store.ts. */
export class EditorState {
  readonly definition: ShallowRef<Definition> = shallowRef(EMPTY)
  readonly nodeTypes: ShallowRef<ReadonlyMap<string, NodeType>> = shallowRef(new Map())
  readonly problems: ShallowRef<readonly Problem[]> = shallowRef([])
  /** Everything selected: nodes, notes, edges and groups. */
  readonly selected: ShallowRef<ReadonlySet<string>> = shallowRef(new Set())
  readonly fieldFocus: EditorStore['fieldFocus'] & ShallowRef = shallowRef(null)
  readonly saving: ShallowRef<Saving | null> = shallowRef(null)
  readonly surface: ShallowRef<Surface | null> = shallowRef(null)
  readonly quickAdd: ShallowRef<QuickAdd | null> = shallowRef(null)
  /** Groups opened or closed for looking only: by a reader, or to show a step inside. */
  readonly folds: ShallowRef<ReadonlyMap<string, boolean>> = shallowRef(new Map())
  /** The group that is to be named, once it is drawn. */
  readonly nameGroup: ShallowRef<string | null> = shallowRef(null)
  /** Groups about to be deleted: with their steps or without? */
  readonly deletingGroups: ShallowRef<ReadonlySet<string> | null> = shallowRef(null)
  /** The steps that are to become a workflow of their own, with the name it begins with. */
  readonly extracting: ShallowRef<{ readonly ids: readonly string[]; readonly name: string } | null> =
    shallowRef(null)
  /** The note that is to be written in, once it is drawn. */
  readonly editNote: ShallowRef<string | null> = shallowRef(null)
  /** The step that was added last, whose settings are what comes next. */
  readonly added: ShallowRef<{ readonly id: string } | null> = shallowRef(null)
  readonly messages = new Messages()
  readonly marks = new Marks()
  readonly locked: ShallowRef<boolean> = shallowRef(false)
  /** Grows with each change of the undo log, which is no reactive thing itself. */
  readonly historyTick: ShallowRef<number> = shallowRef(0)
  readonly history = new History<Definition>(EMPTY)

  readonly readOnly: ComputedRef<boolean> = computed(() => this.mode === 'run' || this.locked.value)
  /** The steps of a selected group count as selected. */
  readonly selection: ComputedRef<readonly string[]> = computed(() => {
    const chosen = withMembers(this.definition.value, this.selected.value)
    return [...places(this.definition.value).keys()].filter((id) => chosen.has(id))
  })
  readonly selectedGroups: ComputedRef<readonly string[]> = computed(() =>
    [...groupsOf(this.definition.value).keys()].filter((id) => this.selected.value.has(id)),
  )
  readonly selectedNode: ComputedRef<Node | null> = computed(() => {
    const [only, ...more] = this.selection.value
    if (only === undefined || more.length || this.selectedGroups.value.length) return null
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

  readonly breakpoints: Breakpoints
  readonly runSettings: ShallowRef<RunSettings> = shallowRef({})

  constructor(
    readonly workflowId: string,
    readonly mode: 'edit' | 'run',
  ) {
    this.breakpoints = new Breakpoints(workflowId)
  }

  node(id: string): Node | undefined {
    return nodeOf(this.definition.value, id)
  }

  note(id: string): Note | undefined {
    return noteOf(this.definition.value, id)
  }

  group(id: string): PlacedGroup | undefined {
    return groupsOf(this.definition.value).get(id)
  }

  isCollapsed(id: string): boolean {
    return this.folds.value.get(id) ?? this.group(id)?.group.collapsed ?? false
  }

  /** The closed group, the outermost, inside which a step or note is out of sight. */
  hiddenIn(id: string): string | null {
    const { value: definition } = this.definition
    let found: string | null = null
    for (const at of [id, ...containersOf(definition, id)]) {
      const owner = ownerOf(definition, at)
      if (owner !== null && this.isCollapsed(owner)) found = owner
    }
    return found
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
}
