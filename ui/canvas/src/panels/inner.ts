/** Walks the steps inside a step: iterations of a container, a sub-workflow, a library graph. */
import type { StepRecord } from '../run/record'

/** The steps of one iteration or call; `path` is theirs, such as `loop[3]`. */
export interface InnerScope {
  readonly path: string
  readonly index: number
}

/** The iterations that a step holds, in their order; one for a sub-workflow. */
export function scopesOf(key: string, paths: Iterable<string>): readonly InnerScope[] {
  const start = `${key}[`
  const found = new Map<number, string>()
  for (const path of paths) {
    if (!path.startsWith(start)) continue
    const end = path.indexOf(']', start.length)
    const index = Number(path.slice(start.length, end))
    if (end > 0 && Number.isInteger(index) && !found.has(index))
      found.set(index, path.slice(0, end + 1))
  }
  return [...found].map(([index, path]) => ({ path, index })).sort((a, b) => a.index - b.index)
}

/** The steps of each path; a run can have thousands. */
export function byPath(steps: readonly StepRecord[]): ReadonlyMap<string, readonly StepRecord[]> {
  const paths = new Map<string, StepRecord[]>()
  for (const step of steps) {
    if (step.path === null) continue
    const list = paths.get(step.path)
    if (list === undefined) paths.set(step.path, [step])
    else list.push(step)
  }
  return paths
}

/** The keys of the steps that hold the steps of these paths. */
export function holders(paths: Iterable<string>): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const path of paths) {
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
