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
  retrying: { icon: 'replay', label: 'Trying again' },
  completed: { icon: 'check', label: 'Completed' },
  failed: { icon: 'priority_high', label: 'Failed' },
  skipped: { icon: 'redo', label: 'Skipped' },
  cancelled: { icon: 'block', label: 'Cancelled' },
}

export function lookOf(status: StepStatus): StatusLook | null {
  return LOOKS[status]
}

/** `437 ms`, `1.7 s`, `2 min 5 s`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return ''
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

export function bytes(size: number | undefined): string {
  if (size === undefined) return ''
  if (size < 1024) return `${size} B`
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(size < 10_240 ? 1 : 0)} KB`
  return `${(size / 1024 / 1024).toFixed(1)} MB`
}

/** How the run went along an edge. */
export type WireState = 'idle' | 'active' | 'taken' | 'failed' | 'untaken'

export function wireState(source: NodeRunState, port: string, target: NodeRunState): WireState {
  if (source.status === 'skipped' || source.status === 'cancelled') return 'untaken'
  if (source.status === 'failed') return source.ports?.includes(port) ? 'taken' : 'untaken'
  if (source.status !== 'completed') return 'idle'
  if (source.ports !== undefined && !source.ports.includes(port)) return 'untaken'
  if (target.status === 'running' || target.status === 'retrying') return 'active'
  if (target.status === 'failed') return 'failed'
  return 'taken'
}
