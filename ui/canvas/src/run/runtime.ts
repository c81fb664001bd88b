/** The run at hand as reactive state: follows the event stream, paints once per animation frame. */
import { computed, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { ApiError, call, get, post } from '../api'
import { withPlainNumbers } from '../json'
import {
  IDLE,
  type JsonObject,
  type NodeRunState,
  type RunEvent,
  type RunStatus,
  type RunStore,
  type RunStoreOptions,
  type RunView,
  type StartHow,
  type StartWish,
} from '../seam'
import { createControls, type RunControls } from './controls'
import { openEventStream } from './eventStream'
import { Follower, type Wire } from './follow'
import { RunRecord } from './record'

export interface RunDependencies extends Wire {
  /** Calls back before the next paint; returns how to take it back. */
  nextFrame(callback: () => void): () => void
  get<T>(path: string): Promise<T>
  post<T>(path: string, body?: unknown): Promise<T>
  put<T>(path: string, body?: unknown): Promise<T>
}

/** The step as GET /runs/{id}/steps/{step_id} gives it. */
export interface StepView {
  readonly id?: string
  readonly node_id?: string
  readonly status?: string
  readonly input?: unknown
  readonly output?: unknown
  readonly [key: string]: unknown
}

/** RunStore with what the panels show besides the cards: steps, log, data of each node. */
export interface RunSession extends RunStore {
  /** Replaced folding of the shown run; `revision` says when to look again. */
  readonly record: Readonly<ShallowRef<RunRecord>>
  readonly revision: Readonly<ShallowRef<number>>
  readonly starting: Readonly<ShallowRef<boolean>>
  /** Why the run could not be started, opened or followed. */
  readonly trouble: Readonly<ShallowRef<ApiError | null>>
  readonly controls: RunControls
  /** The shown run had ended before this page was opened. */
  readonly earlier: Readonly<Ref<boolean>>
  /** Shows a run that was there before this page: live while it lasts, else as it ended. */
  takeUp(view: RunView): Promise<void>
  loadStep(stepId: string): Promise<StepView>
  dismissTrouble(): void
}

const FINAL: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])
const PAGE = 200

const browser: RunDependencies = {
  openStream: openEventStream,
  nextFrame(callback) {
    // A hidden tab paints no frames; the timer keeps its run state from falling behind.
    const frame = requestAnimationFrame(run)
    const timer = setTimeout(run, 300)
    function stop(): void {
      cancelAnimationFrame(frame)
      clearTimeout(timer)
    }
    function run(): void {
      stop()
      callback()
    }
    return stop
  },
  get: (path) => get(path),
  post: (path, body) => post(path, body),
  put: async <T>(path: string, body?: unknown) => (await call<T>('PUT', path, { body })).data,
  delay(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

export function createRunStore(
  options: RunStoreOptions,
  dependencies: RunDependencies = browser,
): RunSession {
  const cells = new Map<string, ShallowRef<NodeRunState>>()
  const runId = ref<string | null>(null)
  const run = shallowRef<RunView | null>(null)
  const status = ref<RunStatus | null>(null)
  const connection = ref<'idle' | 'live' | 'reconnecting' | 'ended'>('idle')
  const startRequests = shallowRef<StartWish | null>(null)
  const record = shallowRef(new RunRecord())
  const revision = shallowRef(0)
  const starting = shallowRef(false)
  const trouble = shallowRef<ApiError | null>(null)
  const earlier = ref(false)
  const steps = new Map<string, Promise<StepView>>()

  let queue: RunEvent[] = []
  let dirty = new Set<string>()
  let follower: Follower | null = null
  let stopFrame: (() => void) | null = null
  let ended = false
  // Grows with each run shown, so that a late answer for an older one is dropped.
  let era = 0

  const active = computed(
    () => runId.value !== null && connection.value !== 'ended' && connection.value !== 'idle',
  )

  function cell(id: string): ShallowRef<NodeRunState> {
    let found = cells.get(id)
    if (found === undefined) {
      found = shallowRef<NodeRunState>(IDLE)
      cells.set(id, found)
    }
    return found
  }

  function setStatus(next: RunStatus): void {
    if (status.value === next) return
    status.value = next
    controls.settled()
    if (run.value !== null) run.value = { ...run.value, status: next }
    if (runId.value !== null) options.onStatus?.(runId.value, next)
  }

  function reset(id: string | null): number {
    era++
    follower?.stop()
    follower = null
    stopFrame?.()
    stopFrame = null
    queue = []
    dirty = new Set()
    steps.clear()
    ended = false
    earlier.value = false
    record.value = new RunRecord()
    revision.value++
    run.value = null
    status.value = null
    trouble.value = null
    runId.value = id
    connection.value = 'idle'
    for (const found of cells.values()) found.value = IDLE
    return era
  }

  function take(event: RunEvent): void {
    queue.push(event)
    stopFrame ??= dependencies.nextFrame(flush)
  }

  function flush(): void {
    stopFrame = null
    const events = queue
    queue = []
    const fold = record.value
    for (const event of events) for (const nodeId of fold.apply(event) ?? []) dirty.add(nodeId)
    for (const nodeId of dirty) cell(nodeId).value = fold.stateOf(nodeId)
    dirty.clear()
    revision.value++
    if (events.some((event) => event.kind.startsWith('run.'))) controls.settled()
    const told = fold.facts.status
    if (told === null || (ended && FINAL.has(status.value ?? ''))) return
    if (status.value !== 'cancelling' || FINAL.has(told)) setStatus(told)
  }

  function flushNow(): void {
    stopFrame?.()
    flush()
  }

  function follow(id: string, mine: number): void {
    flushNow()
    follower?.stop()
    follower = new Follower(id, record.value.lastSeq, dependencies, {
      event: take,
      state: (state) => (connection.value = state),
      ended: () => void finish(id, mine),
      lost: () => lookAgain(id, mine),
    })
  }

  async function lookAgain(id: string, mine: number): Promise<'go on' | 'try later' | 'stop'> {
    try {
      const view = await dependencies.get<RunView>(runPath(id))
      if (mine !== era) return 'stop'
      run.value = counted(view)
      if (!FINAL.has(view.status)) return 'go on'
      await replay(id, mine)
      return 'stop'
    } catch (cause) {
      if (mine !== era) return 'stop'
      const error = asApiError(cause)
      if (error.offline || error.status === 429 || error.status >= 500) return 'try later'
      trouble.value = error
      ended = true
      connection.value = 'ended'
      return 'stop'
    }
  }

  /** The run's last event has arrived: take its final figures. */
  async function finish(id: string, mine: number): Promise<void> {
    flushNow()
    ended = true
    connection.value = 'ended'
    try {
      const view = await dependencies.get<RunView>(runPath(id))
      if (mine !== era) return
      run.value = counted(view)
      setStatus(view.status)
    } catch {
      // The events told everything that matters; only usage figures are missing.
    }
  }

  /** All stored events after what is known, as JSON pages. */
  async function replay(id: string, mine: number): Promise<void> {
    for (;;) {
      flushNow()
      const after = record.value.lastSeq
      const answer = await dependencies.get<RunEvent[] | { items: RunEvent[] }>(
        `${runPath(id)}/events?after=${String(after)}&limit=${String(PAGE)}`,
      )
      if (mine !== era) return
      const events = Array.isArray(answer) ? answer : answer.items
      queue.push(...events)
      flushNow()
      if (events.length < PAGE || record.value.lastSeq === after) break
    }
    ended = true
    connection.value = 'ended'
    if (run.value !== null) setStatus(run.value.status)
  }

  async function start(inputs: JsonObject, how: StartHow = {}): Promise<string> {
    if (starting.value) throw new ApiError(409, 'starting', 'The run is being started already.')
    starting.value = true
    trouble.value = null
    const breakpoints = options.breakpoints?.() ?? []
    // A part of the drawing has the inputs of the run whose data it takes.
    const given = how.only && !how.only.until ? {} : { inputs }
    try {
      await options.beforeStart()
      const view = await dependencies.post<RunView>(
        `/workflows/${encodeURIComponent(options.workflowId)}/runs`,
        { ...given, version: 'draft', ...how, ...(breakpoints.length ? { breakpoints } : {}) },
      )
      show({ ...view, inputs: view.inputs ?? inputs })
      return view.id
    } catch (cause) {
      const error = asApiError(cause)
      trouble.value = error
      throw error
    } finally {
      starting.value = false
    }
  }

  /** Follow a run that has just begun. */
  function show(view: RunView): void {
    const mine = reset(view.id)
    run.value = counted(view)
    setStatus(view.status)
    connection.value = 'live'
    follow(view.id, mine)
  }

  async function takeUp(view: RunView): Promise<void> {
    if (runId.value !== null || starting.value) return
    if (!FINAL.has(view.status)) return show(view)
    const mine = reset(view.id)
    run.value = counted(view)
    status.value = view.status
    connection.value = 'ended'
    ended = earlier.value = true
    try {
      await replay(view.id, mine)
    } catch {
      // Nobody asked for it: without its events there is nothing to show.
      if (mine === era) reset(null)
    }
  }

  async function open(id: string): Promise<void> {
    const mine = reset(id)
    connection.value = 'live'
    try {
      const view = await dependencies.get<RunView>(runPath(id))
      if (mine !== era) return
      run.value = counted(view)
      setStatus(view.status)
      if (FINAL.has(view.status)) await replay(id, mine)
      else follow(id, mine)
    } catch (cause) {
      if (mine !== era) return
      trouble.value = asApiError(cause)
      connection.value = 'ended'
    }
  }

  const controls = createControls({
    shown: () => (runId.value === null ? null : { id: runId.value, status: status.value }),
    post: (path, body) => dependencies.post(path, body),
    put: (path, body) => dependencies.put(path, body),
    adopt(view) {
      run.value = { ...counted(view), status: status.value ?? view.status }
    },
    setStatus,
    follow() {
      if (runId.value === null) return
      ended = false
      connection.value = 'live'
      steps.clear()
      follow(runId.value, era)
    },
    open: show,
    trouble,
  })

  function loadStep(stepId: string): Promise<StepView> {
    let answer = steps.get(stepId)
    if (answer === undefined) {
      answer = dependencies.get<StepView>(
        `${runPath(runId.value ?? '')}/steps/${encodeURIComponent(stepId)}`,
      )
      steps.set(stepId, answer)
      // Only what worked is worth keeping, and only once the step has ended.
      answer.then(
        (view) => {
          if (!FINAL.has(view.status ?? '')) steps.delete(stepId)
        },
        () => steps.delete(stepId),
      )
    }
    return answer
  }

  return {
    runId,
    run,
    status,
    active,
    connection,
    startRequests,
    record,
    revision,
    starting,
    trouble,
    node: cell,
    start,
    open,
    earlier,
    takeUp,
    controls,
    loadStep,
    clear: () => void reset(null),
    requestStart: (wish = {}) => void (startRequests.value = { ...wish }),
    dismissTrouble: () => (trouble.value = null),
    dispose: () => void reset(null),
  }
}

/** A run with plain figures; what went in and came out stays as it was written. */
function counted(view: RunView): RunView {
  const { inputs, outputs, ...figures } = view
  return {
    ...withPlainNumbers(figures),
    ...(inputs === undefined ? {} : { inputs }),
    ...(outputs === undefined ? {} : { outputs }),
  }
}

function runPath(id: string): string {
  return `/runs/${encodeURIComponent(id)}`
}

function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  return new ApiError(0, 'client', cause instanceof Error ? cause.message : String(cause))
}
