/** What the editor reads and writes over /api/v1. */
import { call, get, getAll } from '../api'
import { plainGeometry } from '../document/plain'
import { withPlainNumbers } from '../json'
import type { Definition, NodeType, Problem, RunSettings, RunView } from '../seam'
import type { Remote, Stored } from './saving'

export interface WorkflowView {
  readonly id: string
  readonly name: string
  readonly revision: number
  readonly definition: Definition
  readonly problems?: readonly Problem[]
  readonly run_settings?: RunSettings
}

interface DraftSaved {
  readonly revision: number
  readonly problems?: readonly Problem[]
}

const path = (workflowId: string): string => `/workflows/${encodeURIComponent(workflowId)}`

export async function loadNodeTypes(): Promise<ReadonlyMap<string, NodeType>> {
  const types = await getAll<NodeType>('/node-types')
  return new Map(withPlainNumbers(types).map((type) => [type.type, type]))
}

export async function loadWorkflow(workflowId: string): Promise<WorkflowView & { etag: string }> {
  const { data, etag } = await call<WorkflowView>('GET', path(workflowId))
  const { definition, run_settings: settings = {} } = data
  return {
    ...data,
    definition: plainGeometry(definition),
    run_settings: withPlainNumbers(settings),
    etag: etag ?? `"${data.revision}"`,
  }
}

export async function validate(workflowId: string): Promise<readonly Problem[]> {
  const { data } = await call<{ problems: Problem[] }>('POST', `${path(workflowId)}/validate`)
  return data.problems
}

/** All settings at once; the revision grows as with any change. */
export async function putRunSettings(
  workflowId: string,
  settings: RunSettings,
  etag: string,
): Promise<{ revision: number; etag: string }> {
  const { data, etag: given } = await call<WorkflowView>('PATCH', path(workflowId), {
    body: { run_settings: settings },
    headers: { 'If-Match': etag },
  })
  return { revision: data.revision, etag: given ?? `"${data.revision}"` }
}

/** The definition a run was started with, frozen; and the run itself. */
export async function loadRun(runId: string): Promise<{ run: RunView; definition: Definition }> {
  const at = `/runs/${encodeURIComponent(runId)}`
  const [run, definition] = await Promise.all([
    get<RunView>(at),
    get<Definition>(`${at}/definition`),
  ])
  return { run, definition: plainGeometry(definition) }
}

export function draftRemote(
  workflowId: string,
  onProblems: (problems: readonly Problem[]) => void,
): Remote {
  return {
    async load(): Promise<Stored> {
      const { definition, revision, etag, problems } = await loadWorkflow(workflowId)
      if (problems) onProblems(problems)
      return { definition, revision, etag }
    },
    async put(definition, etag, keepalive) {
      const answer = await call<DraftSaved>('PUT', `${path(workflowId)}/draft`, {
        body: { definition },
        headers: { 'If-Match': etag },
        keepalive,
      })
      if (answer.data.problems) onProblems(answer.data.problems)
      const { revision } = answer.data
      return { revision, etag: answer.etag ?? `"${revision}"` }
    },
  }
}
