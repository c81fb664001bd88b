/** What a person does to a run: pause, go on, step, cancel, retry, run again, fork. */
import { shallowRef, type ShallowRef } from 'vue'
import { ApiError } from '../api'
import type { JsonObject, RunStatus, RunView } from '../seam'

export type Control =
  'pause' | 'resume' | 'step' | 'cancel' | 'retry' | 'rerun' | 'fork' | 'cancel-step' | 'breakpoints'

export interface ForkWish {
  /** The id of a finished step of the shown run. */
  readonly checkpoint: string
  /** Outputs that replace those of nodes, by node id. */
  readonly overrides?: JsonObject
}

export interface CancelWish {
  readonly graceful?: boolean
  readonly reason?: string
}

export interface RunControls {
  /** The control whose effect is awaited. */
  readonly pending: Readonly<ShallowRef<Control | null>>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Execute one node, then stop again. */
  step(): Promise<void>
  cancel(wish?: CancelWish): Promise<void>
  retry(): Promise<void>
  cancelStep(stepId: string): Promise<void>
  setBreakpoints(places: readonly string[]): Promise<void>
  /** A new run of the same frozen definition; rejects with ApiError. */
  rerun(inputs?: JsonObject): Promise<string>
  fork(wish: ForkWish): Promise<string>
}

/** What the controls need of the store that shows the run. */
export interface ControlHost {
  readonly shown: () => { id: string; status: RunStatus | null } | null
  post<T>(path: string, body?: unknown): Promise<T>
  put<T>(path: string, body?: unknown): Promise<T>
  /** Takes what the server said of the shown run. */
  adopt(view: RunView): void
  setStatus(status: RunStatus): void
  /** Listen again: a run that had ended goes on. */
  follow(): void
  /** Show another run. */
  open(view: RunView): void
  readonly trouble: ShallowRef<ApiError | null>
}

export function createControls(host: ControlHost): RunControls & { settled(): void } {
  const pending = shallowRef<Control | null>(null)

  async function act<T>(
    control: Control,
    path: string,
    body?: unknown,
    send: (path: string, body?: unknown) => Promise<T> = (to, given) => host.post<T>(to, given),
  ): Promise<T | null> {
    const run = host.shown()
    if (run === null) return null
    pending.value = control
    host.trouble.value = null
    try {
      const answer = await send(`/runs/${encodeURIComponent(run.id)}${path}`, body)
      if (host.shown()?.id !== run.id) return null
      return answer
    } catch (cause) {
      if (host.shown()?.id === run.id) host.trouble.value = asApiError(cause)
      pending.value = null
      return null
    }
  }

  /** The answer may be older than what the stream has told meanwhile: only the stream moves on. */
  async function move(control: Control, path: string, body?: unknown): Promise<boolean> {
    const before = host.shown()?.status ?? null
    const view = await act<RunView>(control, path, body)
    if (view === null) return false
    host.adopt(view)
    if (host.shown()?.status !== before) pending.value = null
    return true
  }

  async function begin(control: Control, path: string, body: unknown): Promise<string> {
    const run = host.shown()
    if (run === null) throw new ApiError(409, 'no_run', 'There is no run to begin with.')
    pending.value = control
    try {
      const view = await host.post<RunView>(`/runs/${encodeURIComponent(run.id)}${path}`, body)
      host.open(view)
      return view.id
    } finally {
      pending.value = null
    }
  }

  return {
    pending,
    /** The run's status has changed: what was asked for has happened, or cannot any more. */
    settled: () => void (pending.value = null),
    pause: async () => void (await move('pause', '/pause')),
    resume: async () => void (await move('resume', '/resume', { step: false })),
    step: async () => void (await move('step', '/resume', { step: true })),

    async cancel(wish = {}) {
      const before = host.shown()?.status ?? null
      host.setStatus('cancelling')
      const body = { reason: wish.reason || 'Cancelled in the editor', graceful: !!wish.graceful }
      if (await move('cancel', '/cancel', body)) return
      // Ended meanwhile: the stream says how.
      if (host.trouble.value?.status === 409) host.trouble.value = null
      else if (before !== null && host.shown()?.status === 'cancelling') host.setStatus(before)
    },

    async retry() {
      if (!(await move('retry', '/retry'))) return
      host.follow()
      host.setStatus('queued')
    },

    async cancelStep(stepId) {
      await act('cancel-step', '', undefined, () =>
        host.post(`/steps/${encodeURIComponent(stepId)}/cancel`),
      )
      pending.value = null
    },

    async setBreakpoints(places) {
      const body = { breakpoints: places }
      await act('breakpoints', '/breakpoints', body, (path, given) => host.put(path, given))
      pending.value = null
    },

    rerun: (inputs) => begin('rerun', '/rerun', inputs === undefined ? {} : { inputs }),
    fork: (wish) =>
      begin('fork', '/fork', { checkpoint: wish.checkpoint, overrides: wish.overrides ?? {} }),
  }
}

function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  return new ApiError(0, 'client', cause instanceof Error ? cause.message : String(cause))
}
