/**
 * The contract between the canvas and its panels: the document's types, run states and the two
 * stores that are provided to every component.
 */
import { inject, type ComputedRef, type InjectionKey, type Ref, type ShallowRef } from 'vue'

// ---- The document, exactly the JSON of graphs/definition.py ---------------------------------

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = Record<string, unknown>

export interface Position {
  readonly x: number
  readonly y: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Retry {
  readonly max_attempts?: number
  readonly delay_ms?: number
  readonly multiplier?: number
}

export type OnError = 'fail' | 'continue' | 'error'

/** Data that stands in for a node in runs of the draft. */
export interface Pin {
  readonly output?: unknown
  /** The output port it leaves through; null is the type's first. */
  readonly port?: string | null
}

export interface Node {
  readonly id: string
  readonly type: string
  readonly name?: string
  readonly params?: Readonly<JsonObject>
  readonly position?: Position
  readonly size?: Size | null
  readonly retry?: Retry
  readonly timeout_ms?: number | null
  readonly on_error?: OnError
  readonly disabled?: boolean
  readonly pinned?: Pin | null
  readonly body?: Body | null
}

export interface Edge {
  readonly id: string
  readonly source: string
  readonly source_port?: string
  readonly target: string
  readonly target_port?: string
}

export interface Note {
  readonly id: string
  readonly text?: string
  readonly color?: string
  readonly position?: Position
  readonly size?: Size
}

/** A named frame around steps and notes of one graph; nothing runs differently for it. */
export interface Group {
  readonly id: string
  readonly name?: string
  readonly color?: string
  readonly members?: readonly string[]
  readonly collapsed?: boolean
  readonly position?: Position
  readonly size?: Size
}

export interface Body {
  readonly nodes?: readonly Node[]
  readonly edges?: readonly Edge[]
  readonly groups?: readonly Group[]
}

export interface Definition extends Body {
  readonly inputs?: Readonly<JsonObject>
  readonly variables?: Readonly<JsonObject>
  readonly notes?: readonly Note[]
}

// ---- Node types (GET /api/v1/node-types) ------------------------------------------------------

/** A JSON Schema (2020-12) as msgspec writes it, with our `x-` markers. */
export interface Schema {
  type?: string | string[]
  title?: string
  description?: string
  default?: unknown
  examples?: unknown[]
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  $ref?: string
  $defs?: Record<string, Schema>
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  'x-secret'?: boolean
  'x-expression'?: boolean
  'x-widget'?: string
  'x-placeholder'?: string
  'x-when'?: Readonly<Record<string, readonly unknown[]>>
  'x-unless'?: Readonly<Record<string, readonly unknown[]>>
  [key: string]: unknown
}

export interface Port {
  readonly name: string
  readonly title?: string
}

/** One port for each entry of a list in the params: named by its key, or the text that it is. */
export interface PortsFrom {
  readonly param: string
  readonly key: string
}

export interface NodeType {
  readonly type: string
  readonly title: string
  readonly description: string
  readonly category: string
  /** A Material Icons ligature. */
  readonly icon: string
  /** Other words under which people look for it. */
  readonly keywords?: readonly string[]
  readonly params_schema: Schema
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly outputs_from?: PortsFrom | null
  /** The ports for values of a param; for others, `outputs` and `outputs_from` hold. */
  readonly outputs_by?: {
    readonly param: string
    readonly default: string
    readonly cases: Readonly<
      Record<string, { readonly outputs?: readonly Port[]; readonly outputs_from?: PortsFrom | null }>
    >
  } | null
  readonly join_param?: string | null
  readonly pure?: boolean
  readonly container?: boolean
  /** False when its steps fail on this server, such as Python while no administrator allows it. */
  readonly available?: boolean
  readonly unavailable_reason?: string | null
}

export interface Problem {
  readonly node_id?: string | null
  /** JSON pointer into the definition, such as `/nodes/3/params/url`. */
  readonly pointer: string
  readonly code: string
  readonly detail: string
}

// ---- Runs -------------------------------------------------------------------------------------

export type RunStatus =
  'queued' | 'running' | 'paused' | 'cancelling' | 'completed' | 'failed' | 'cancelled'

/** `idle`: no run is shown, or the node has not been reached. `waiting`: for a person or the clock. */
export type StepStatus =
  | 'idle'
  | 'pending'
  | 'running'
  | 'waiting'
  | 'retrying'
  | 'completed'
  | 'failed'
  | 'skipped'
  | 'cancelled'

export type RunMode = 'full' | 'mock' | 'debug'

/** A run's limits; what is left out has the workflow's default. */
export interface RunConfig {
  readonly timeout_ms?: number | null
  readonly step_timeout_ms?: number | null
  readonly max_concurrency?: number | null
}

/** A workflow's defaults for its runs, and how many there may be at once. */
export interface RunSettings extends RunConfig {
  readonly concurrency_limit?: number | null
  readonly concurrency_policy?: 'queue' | 'reject' | 'cancel_running'
}

/** The part of the drawing that a run is for: exactly one of the three, a node's id. */
export interface Only {
  readonly node?: string | null
  readonly from?: string | null
  readonly until?: string | null
}

/** How a run is started, besides its inputs. */
export interface StartHow {
  readonly mode?: RunMode
  readonly config?: RunConfig
  readonly only?: Only
}

export type Side = 'before' | 'after'

/** A place at which a run stands. */
export interface Stop {
  readonly node_id: string
  readonly path?: string | null
  readonly side?: Side
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly node_id?: string | null
}

export interface RunEvent {
  readonly kind: string
  readonly run_id: string
  readonly seq?: number | null
  readonly at: string
  readonly node_id?: string
  readonly step_id?: string
  readonly path?: string | null
  readonly attempt?: number
  readonly data?: JsonObject
}

export interface RunView {
  readonly id: string
  readonly workflow_id: string
  readonly version?: number | null
  readonly status: RunStatus
  readonly mode?: RunMode
  readonly config?: RunConfig
  readonly only?: Only | null
  readonly breakpoints?: readonly string[]
  readonly parent_run_id?: string | null
  readonly trigger?: string
  readonly cancel_reason?: string | null
  readonly inputs?: JsonObject
  readonly outputs?: unknown
  readonly error?: Failure | null
  readonly progress?: { completed: number; total: number; percent: number }
  readonly usage?: { input_tokens: number; output_tokens: number; cost_usd: string | null }
  readonly created_at?: string
  readonly started_at?: string | null
  readonly finished_at?: string | null
  readonly duration_ms?: number | null
}

/** What the canvas shows of one node in the run at hand. Immutable: replaced, never mutated. */
export interface NodeRunState {
  readonly status: StepStatus
  readonly step_id?: string
  readonly started_at?: string
  readonly duration_ms?: number
  readonly size_bytes?: number
  /** A few words about the output, such as `12 rows × 3 cols`, `"Hello Oslo"`, `{3 fields}`. */
  readonly summary?: string
  /** The text streamed so far by a model. */
  readonly tokens?: string
  readonly usage?: { input_tokens: number; output_tokens: number; cost_usd?: string | null }
  readonly error?: Failure
  readonly attempt?: number
  /** The live output ports after completion: what colours the taken edges. */
  readonly ports?: readonly string[]
  /** Inside a container: how many iterations began, ended and failed. */
  readonly iterations?: { readonly started: number; readonly done: number; readonly failed: number }
  /** The run stands before or after this node. */
  readonly stop?: Side
  /** Whom or what a waiting step waits for. */
  readonly waiting?: { readonly for: 'person' | 'clock'; readonly until?: string; readonly who?: string }
  /** The drawing's pinned data stood in for it. */
  readonly pinned?: boolean
  /** The run in which it really ran. */
  readonly reused_from?: string
  /** The steps of the sub-workflow or graph that runs inside it. */
  readonly inner?: { readonly started: number; readonly done: number; readonly failed: number }
}

export const IDLE: NodeRunState = Object.freeze({ status: 'idle' })

/** Made by `createRunStore` in run/runtime.ts (PANELS); filled once per animation frame. */
export interface RunStore {
  readonly runId: Readonly<Ref<string | null>>
  readonly run: Readonly<ShallowRef<RunView | null>>
  readonly status: Readonly<Ref<RunStatus | null>>
  /** True from start() or open() until the run's last event. */
  readonly active: ComputedRef<boolean>
  readonly connection: Readonly<Ref<'idle' | 'live' | 'reconnecting' | 'ended'>>
  /** The same ref for the same id, for ever; `IDLE` while there is nothing to show. */
  node(id: string): Readonly<ShallowRef<NodeRunState>>
  /** Starts a run of the saved draft and follows it. Rejects with ApiError. */
  start(inputs: JsonObject, how?: StartHow): Promise<string>
  /** Shows a run, past or present. */
  open(runId: string): Promise<void>
  /** Forget the shown run: every node is idle again. */
  clear(): void
  /** Asks RunControls to open its form, or to start at once where there is nothing to ask. */
  requestStart(wish?: StartWish): void
  readonly startRequests: Readonly<ShallowRef<StartWish | null>>
  dispose(): void
}

/** A person's wish to run; `options` opens the form even when there are no inputs. */
export interface StartWish extends StartHow {
  readonly options?: boolean
  /** The inputs that the form begins with. */
  readonly inputs?: JsonObject | null
}

export interface RunStoreOptions {
  readonly workflowId: string
  /** Saves the draft; a run must not start on an older one. Rejects when it cannot be saved. */
  beforeStart(): Promise<void>
  /** Where runs stop, as the API writes it: `node` or `node:after`. */
  breakpoints?(): readonly string[]
  /** Told once per status change; the canvas announces and emits it. */
  onStatus?(runId: string, status: RunStatus): void
}

// ---- The editor -------------------------------------------------------------------------------

export type NodePatch = Partial<Omit<Node, 'id' | 'body'>>
export type DefinitionPatch = Partial<Pick<Definition, 'inputs' | 'variables'>>

export interface EditorStore {
  readonly workflowId: string
  readonly mode: 'edit' | 'run'
  /** True when nothing may be changed: a past run, or a viewer's account. */
  readonly readOnly: ComputedRef<boolean>
  readonly definition: Readonly<ShallowRef<Definition>>
  readonly nodeTypes: Readonly<ShallowRef<ReadonlyMap<string, NodeType>>>
  /** Ids of the selected nodes, in document order. */
  readonly selection: Readonly<ShallowRef<readonly string[]>>
  /** The node the inspector shows: the only selected one. */
  readonly selectedNode: ComputedRef<Node | null>
  /** The step that was added last: its settings are what comes next. */
  readonly added: Readonly<ShallowRef<{ readonly id: string } | null>>
  node(id: string): Node | undefined
  typeOf(node: Node): NodeType | undefined
  /** The node's title on the card: its name, or its type's title. */
  titleOf(node: Node): string
  /** Names of the output ports from raw params, `error` included when on_error asks for it. */
  portsOf(node: Node): readonly string[]
  /** Every node whose output may be read from here, nearest first; containers' outsides too. */
  upstreamOf(id: string): readonly Node[]
  /** The ids of the containers around a node, innermost first: `item` and `index` exist there. */
  containersOf(id: string): readonly string[]
  readonly problems: Readonly<ShallowRef<readonly Problem[]>>
  problemsOf(id: string): readonly Problem[]
  /** One undoable step; edits with the same key in quick succession (typing) become one. */
  updateNode(id: string, patch: NodePatch, coalesceKey?: string): void
  /** Switched off, they are left out of runs; one undoable step, however many they are. */
  switchNodes(ids: readonly string[], on: boolean): void
  updateDefinition(patch: DefinitionPatch, coalesceKey?: string): void
  removeNodes(ids: readonly string[]): void
  /** Selects and centres the node; `field` (a params key or pointer tail) asks for its input. */
  focusNode(id: string, field?: string): void
  select(ids: readonly string[]): void
  /** The last wish of focusNode with a field: SchemaForm focuses it. `serial` grows each time. */
  readonly fieldFocus: Readonly<
    ShallowRef<{ nodeId: string; field: string; serial: number } | null>
  >
  /** Saves now; resolves when the server has the newest edit. */
  flush(): Promise<void>
  /** Speaks in the aria-live region. */
  announce(message: string): void
  /** A short message at the bottom of the canvas. */
  notify(message: string, kind?: 'info' | 'warning' | 'error'): void
}

export const EDITOR: InjectionKey<EditorStore> = Symbol('editor')
export const RUN: InjectionKey<RunStore> = Symbol('run')

export function useEditor(): EditorStore {
  const editor = inject(EDITOR)
  if (!editor) throw new Error('No editor is provided')
  return editor
}

export function useRun(): RunStore {
  const run = inject(RUN)
  if (!run) throw new Error('No run store is provided')
  return run
}
