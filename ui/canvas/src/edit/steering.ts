/** What a person does with single steps: run a part, stop there, pin, cancel, fork. */
import { computed, inject, shallowRef, type ComputedRef, type InjectionKey } from 'vue'
import { ApiError } from '../api'
import { scopeOf } from '../document/document'
import { outputPorts } from '../document/ports'
import { planPart, type Part, type PartPlan } from '../run/parts'
import { ENDED, type StepRecord } from '../run/steps'
import type { RunSession } from '../run/runtime'
import type { JsonObject, Only, Side } from '../seam'
import type { Editor } from './store'

/** What a dialog is open for. */
export type Ask =
  | { readonly kind: 'fork'; readonly step: StepRecord }
  | { readonly kind: 'pin'; readonly nodeId: string }
  | { readonly kind: 'rerun' }

/** Node types that begin and end a path have nothing that data could stand in for. */
const NEVER_PINNED: ReadonlySet<string> = new Set(['start', 'end'])

export class Steering {
  readonly ask = shallowRef<Ask | null>(null)
  /** The part that was asked for last, so that a refusal can offer a wider one. */
  readonly lastPart = shallowRef<{ how: Part; id: string } | null>(null)
  /** The draft may be run: in the editor, by somebody who may change it. */
  readonly mayStart: ComputedRef<boolean>

  constructor(
    private readonly editor: Editor,
    private readonly run: RunSession,
    /** Whether the visitor may steer runs at all. */
    readonly maySteer: ComputedRef<boolean>,
  ) {
    this.mayStart = computed(() => editor.mode === 'edit' && maySteer.value)
  }

  // ---- running a part --------------------------------------------------------------------------

  /** Parts are of the top level: a body runs with its container. */
  canRunPart(id: string): boolean {
    const { definition } = this.editor
    return this.mayStart.value && !!this.editor.node(id) && scopeOf(definition.value, id) === null
  }

  /** Why a part that begins or ends at this step cannot be run now. */
  hindrance(id: string): string | null {
    if (!this.mayStart.value) return 'You may not start runs here.'
    if (!this.canRunPart(id)) return 'A step inside a container runs with it: run the container.'
    if (this.run.active.value && this.run.status.value !== 'paused')
      return 'Another run is going on: cancel it first, or wait for its end.'
    return null
  }

  /** What such a run would execute; null when there is no such part. */
  planOf(how: Part, id: string): PartPlan | null {
    if (!this.canRunPart(id)) return null
    const { definition, nodeTypes } = this.editor
    return planPart(definition.value, nodeTypes.value, how, id)
  }

  async runPart(how: Part, id: string): Promise<void> {
    const why = this.hindrance(id)
    if (why !== null) {
      if (this.mayStart.value && this.editor.node(id)) this.editor.refuse(why)
      return
    }
    const only: Only = { [how]: id }
    this.lastPart.value = { how, id }
    if (how === 'until') this.run.requestStart({ only })
    else await this.run.start({}, { only }).catch(ignoreTold)
  }

  // ---- breakpoints -----------------------------------------------------------------------------

  canBreak(): boolean {
    return this.mayStart.value || (this.maySteer.value && this.run.active.value)
  }

  toggleBreakpoint(id: string, side: Side): void {
    const node = this.editor.node(id)
    if (!node || !this.canBreak()) return
    const set = this.editor.breakpoints.toggle(id, side)
    const title = this.editor.titleOf(node)
    this.editor.announce(
      set ? `Runs stop ${side} ${title}` : `Runs do not stop ${side} ${title} any more`,
    )
    if (this.run.active.value) void this.run.controls.setBreakpoints(this.breakpoints())
  }

  breakpoints(): readonly string[] {
    return this.editor.breakpoints.of((id) => this.editor.node(id) !== undefined)
  }

  // ---- pins ------------------------------------------------------------------------------------

  canPin(id: string): boolean {
    const node = this.editor.node(id)
    return node !== undefined && !this.editor.readOnly.value && !NEVER_PINNED.has(node.type)
  }

  /** The last run's output where there is one, else a dialog to write it. */
  togglePin(id: string): void {
    const node = this.editor.node(id)
    if (!node || !this.canPin(id)) return
    if (node.pinned) this.unpin(id)
    else if (this.run.record.value.outputOf(id).known) this.pinLast(id)
    else this.ask.value = { kind: 'pin', nodeId: id }
  }

  pinLast(id: string): void {
    const step = this.run.record.value.stepsOf(id).findLast((one) => one.hasOutput)
    if (step === undefined) return
    const [port] = step.ports
    this.pin(id, step.output, port ?? null)
  }

  pin(id: string, output: unknown, port: string | null): void {
    const node = this.editor.node(id)
    if (!node || !this.canPin(id)) return
    const [first] = outputPorts(node, this.editor.typeOf(node))
    const pinned = port === null || port === first?.name ? { output } : { output, port }
    this.editor.updateNode(id, { pinned })
    this.editor.announce(`Data pinned to ${this.editor.titleOf(node)}`)
  }

  unpin(id: string): void {
    const node = this.editor.node(id)
    if (!node?.pinned || this.editor.readOnly.value) return
    this.editor.updateNode(id, { pinned: undefined })
    this.editor.announce(`${this.editor.titleOf(node)} runs again`)
  }

  // ---- one step of the shown run ---------------------------------------------------------------

  openStep(id: string): StepRecord | undefined {
    const steps = this.run.record.value.stepsOf(id)
    return steps.findLast((step) => step.stepId !== '' && !ENDED.has(step.status))
  }

  canCancelStep(id: string): boolean {
    return this.maySteer.value && this.run.active.value && this.openStep(id) !== undefined
  }

  async cancelStep(id: string): Promise<void> {
    const step = this.openStep(id)
    if (step === undefined || !this.canCancelStep(id)) return
    await this.run.controls.cancelStep(step.stepId)
  }

  /** The step's last execution that can be forked from. */
  checkpointOf(id: string): StepRecord | undefined {
    return this.run.record.value.stepsOf(id).findLast(isCheckpoint)
  }

  canFork(id: string): boolean {
    return this.maySteer.value && this.checkpointOf(id) !== undefined
  }

  fork(id: string): void {
    const step = this.checkpointOf(id)
    if (step !== undefined && this.maySteer.value) this.ask.value = { kind: 'fork', step }
  }

  forkStep(step: StepRecord): void {
    if (this.maySteer.value && isCheckpoint(step)) this.ask.value = { kind: 'fork', step }
  }

  // ---- the shown run ---------------------------------------------------------------------------

  /** F8: pauses what runs, lets go on what is paused. */
  pauseOrResume(): void {
    if (!this.maySteer.value) return
    if (this.waits()) this.editor.refuse('The run goes on by itself when what it waits for is there.')
    else if (this.run.status.value === 'paused') void this.run.controls.resume()
    else if (this.run.status.value === 'running') void this.run.controls.pause()
  }

  step(): void {
    if (this.maySteer.value && this.run.status.value === 'paused' && !this.waits())
      void this.run.controls.step()
  }

  /** It goes on by itself, when the answer is there or the time has come. */
  waits(): boolean {
    const { pause } = this.run.record.value.facts
    return this.run.status.value === 'paused' && pause?.reason === 'waiting'
  }

  /** The same frozen drawing with the same inputs, or with those given. */
  async rerun(inputs?: JsonObject): Promise<void> {
    this.opened(await this.run.controls.rerun(inputs))
  }

  async forkWith(step: StepRecord, overrides: JsonObject): Promise<void> {
    this.opened(await this.run.controls.fork({ checkpoint: step.stepId, overrides }))
  }

  /** A new run has its own page; in the editor it is shown on the drawing. */
  private opened(runId: string): void {
    if (this.editor.mode === 'run') window.location.assign(`/runs/${encodeURIComponent(runId)}`)
  }
}

export function isCheckpoint(step: StepRecord): boolean {
  return step.status === 'completed' && step.stepId !== ''
}

function ignoreTold(cause: unknown): void {
  // The banner tells why a run could not be started.
  if (!(cause instanceof ApiError)) throw cause
}

export const STEERING: InjectionKey<Steering> = Symbol('steering')

export function useSteering(): Steering {
  const steering = inject(STEERING)
  if (!steering) throw new Error('No steering is provided')
  return steering
}
