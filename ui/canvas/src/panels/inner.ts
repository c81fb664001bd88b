/** Walks the steps inside a step: iterations of a container, a sub-workflow, a library graph. */
import type { StepRecord } from '../run/record'

/** The steps of one iteration or call; `path` is theirs, such as `loop[3]`. */
export interface InnerScope {
  readonly path: string
  readonly index: number
}

/** The iterations that a step holds, in their order; one for a sub-workflow. */
export function scopesOf(key: string, steps: readonly StepRecord[]): readonly InnerScope[] {
  const start = `${key}[`
  const found = new Map<number, string>()
  for (const { path } of steps) {
    if (path === null || !path.startsWith(start)) continue
    const end = path.indexOf(']', start.length)
    const index = Number(path.slice(start.length, end))
    if (end > 0 && Number.isInteger(index) && !found.has(index))
      found.set(index, path.slice(0, end + 1))
  }
  return [...found].map(([index, path]) => ({ path, index })).sort((a, b) => a.index - b.index)
}

export function stepsIn(path: string, steps: readonly StepRecord[]): readonly StepRecord[] {
  return steps.filter((step) => step.path === path)
}

/** The steps that hold others, of those given. */
export function holders(steps: readonly StepRecord[]): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const { path } of steps) {
    if (path === null) continue
    const parts = path.split('/')
    for (let depth = 1; depth <= parts.length; depth++)
      keys.add(parts.slice(0, depth).join('/').replace(/\[\d+\]$/, ''))
  }
  return keys
}

/** How the steps of one scope stand together. */
export function standing(
  steps: readonly StepRecord[],
): 'running' | 'waiting' | 'failed' | 'completed' | 'cancelled' | 'pending' {
  const has = (status: string): boolean => steps.some((step) => step.status === status)
  if (has('failed')) return 'failed'
  if (has('running') || has('retrying')) return 'running'
  if (has('waiting')) return 'waiting'
  if (has('cancelled')) return 'cancelled'
  return has('pending') ? 'pending' : 'completed'
}
