/** How statuses look and read: always an icon beside the colour. */
import type { NodeRunState, StepStatus } from '../seam'

export interface StatusLook {
  readonly icon: string
  readonly label: string
}

const LOOKS: Readonly<Record<StepStatus, StatusLook | null>> = {
  idle: null,
  pending: { icon: 'schedule', label: 'Waiting' },
  running: { icon: 'autorenew', label: 'Running' },
  waiting: { icon: 'hourglass_empty', label: 'Waiting' },
  retrying: { icon: 'replay', label: 'Trying again' },
  completed: { icon: 'check', label: 'Completed' },
  failed: { icon: 'priority_high', label: 'Failed' },
  skipped: { icon: 'redo', label: 'Skipped' },
  cancelled: { icon: 'block', label: 'Cancelled' },
}

export function lookOf(status: StepStatus): StatusLook | null {
  return LOOKS[status]
}

/** The look of a step as it stands, which may say more than its status. */
export function lookOfState(state: NodeRunState): StatusLook | null {
  if (state.stop === 'before' && state.status === 'idle')
    return { icon: 'pause', label: 'The run stands before this step' }
  if (state.stop === 'after') return { icon: 'pause', label: 'The run stands after this step' }
  if (state.waiting?.for === 'person') {
    const who = state.waiting.who === undefined ? '' : ` by ${state.waiting.who}`
    return { icon: 'how_to_reg', label: `Waiting for an answer${who}` }
  }
  if (state.waiting?.until !== undefined)
    return { icon: 'hourglass_empty', label: `Waiting until ${clock(Date.parse(state.waiting.until))}` }
  return lookOf(state.status)
}

/** `14:05`, with the day when it is not today. */
export function clock(at: number, now = Date.now()): string {
  const moment = new Date(at)
  const time = moment.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  if (moment.toDateString() === new Date(now).toDateString()) return time
  return `${moment.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`
}

/** `437 ms`, `1.7 s`, `2 min 5 s`, `3 h 10 min`: as the pages write it (ui/formats.py). */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return ''
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

export function bytes(size: number | undefined): string {
  if (size === undefined) return ''
  if (size < 1024) return `${size} B`
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(size < 10_240 ? 1 : 0)} KB`
  return `${(size / 1024 / 1024).toFixed(1)} MB`
}

/** What is most important first: a group shows the status of the first that any of its steps has. */
const WEIGHTS: readonly StepStatus[] = [
  'running',
  'retrying',
  'failed',
  'waiting',
  'completed',
  'cancelled',
  'skipped',
  'pending',
]

export interface GroupStatus {
  readonly status: StepStatus
  /** How many of its steps have it. */
  readonly count: number
}

export function statusOfGroup(steps: readonly StepStatus[]): GroupStatus {
  const alike = (status: StepStatus): StepStatus => (status === 'retrying' ? 'running' : status)
  const status = alike(WEIGHTS.find((one) => steps.includes(one)) ?? 'idle')
  return { status, count: steps.filter((one) => alike(one) === status).length }
}

/** How the run went along an edge. */
export type WireState = 'idle' | 'active' | 'taken' | 'failed' | 'untaken'

export function wireState(source: NodeRunState, port: string, target: NodeRunState): WireState {
  if (source.status === 'skipped' || source.status === 'cancelled') return 'untaken'
  if (source.status === 'failed') return source.ports?.includes(port) ? 'taken' : 'untaken'
  if (source.status !== 'completed') return 'idle'
  if (source.ports !== undefined && !source.ports.includes(port)) return 'untaken'
  if (target.status === 'running' || target.status === 'retrying') return 'active'
  if (target.stop === 'before') return 'active'
  if (target.status === 'failed') return 'failed'
  return 'taken'
}
