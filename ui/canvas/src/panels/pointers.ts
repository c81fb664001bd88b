/** Where a problem of a definition belongs in the forms. */
import type { Problem } from '../seam'
import type { PointedProblem } from './schema'

const NODE = /^(?:\/definition)?\/nodes\/\d+(?:\/body\/nodes\/\d+)*/

/** `/nodes/3/body/nodes/0/params/url` → `/params/url`. */
export function withinNode(pointer: string): string {
  return pointer.replace(NODE, '')
}

export interface NodeProblems {
  /** Of the node type's own settings; pointers begin at the params. */
  readonly params: readonly PointedProblem[]
  /** Of name, retry, timeout and on_error; pointers begin at the node. */
  readonly settings: readonly PointedProblem[]
  /** Of the node as a whole: its edges, its type, its place. */
  readonly general: readonly PointedProblem[]
}

const SETTINGS = ['/name', '/retry', '/timeout_ms', '/on_error', '/disabled']

export function problemsOfNode(problems: readonly Problem[]): NodeProblems {
  const params: PointedProblem[] = []
  const settings: PointedProblem[] = []
  const general: PointedProblem[] = []
  for (const problem of problems) {
    const pointer = withinNode(problem.pointer)
    if (pointer.startsWith('/params/'))
      params.push({ pointer: pointer.slice('/params'.length), detail: problem.detail })
    else if (SETTINGS.some((start) => pointer === start || pointer.startsWith(`${start}/`)))
      settings.push({ pointer, detail: problem.detail })
    else general.push({ pointer, detail: problem.detail })
  }
  return { params, settings, general }
}
