/** Opening a workflow or a run in the editor, and keeping its drawing safe until the page goes. */
import { ApiError, get } from '../api'
import { merge } from '../document/merge'
import type { RunSession } from '../run/runtime'
import type { Definition, RunSettings, RunStatus, RunStore, RunView } from '../seam'
import { Backups, tabId } from './backup'
import {
  draftRemote,
  loadNodeTypes,
  loadRun,
  loadWorkflow,
  putRunSettings,
  validate,
} from './remote'
import { sameDrawing } from './same'
import { Saving } from './saving'
import type { Editor } from './store'

export async function openWorkflow(editor: Editor): Promise<void> {
  const [types, workflow] = await Promise.all([loadNodeTypes(), loadWorkflow(editor.workflowId)])
  editor.nodeTypes.value = types
  const { definition, revision, etag } = workflow
  const stored = { definition, revision, etag }
  const backups = new Backups(workflow.id, tabId())
  const remote = draftRemote(workflow.id, (problems) => (editor.problems.value = problems))
  editor.saving.value?.stop()
  const saving = new Saving(stored, {
    remote,
    backups,
    merge: mergeIfPlain,
    onMerged: (merged, theirs) => showMerged(editor, merged, theirs),
  })
  editor.saving.value = saving
  editor.open(definition)
  editor.runSettings.value = workflow.run_settings ?? {}
  const backup = editor.readOnly.value ? null : backups.find()
  if (backup && !sameDrawing(backup.definition, definition)) {
    editor.replace(backup.definition, 'Restore unsaved edits')
    if (backup.revision === revision) {
      saving.edited(backup.definition)
      editor.notify('Your unsaved edits were restored from this browser.')
    } else {
      saving.conflictWith(backup.definition, stored, backup.base ?? null)
    }
  } else if (backup) {
    backups.clear()
  }
  editor.recall()
  if (workflow.problems) editor.problems.value = workflow.problems
  else void validate(workflow.id).then((found) => (editor.problems.value = found), ignore)
}

/** Null where both sides changed the same: then a person chooses. */
function mergeIfPlain(base: Definition, mine: Definition, theirs: Definition): Definition | null {
  const { definition, clashes } = merge(base, mine, theirs)
  return clashes.length === 0 ? definition : null
}

function showMerged(editor: Editor, merged: Definition, theirs: Definition): void {
  editor.replaceTwice(theirs, merged, 'Merge with changes made elsewhere')
  editor.notify('Changes made elsewhere were merged with yours. Undo shows each drawing alone.')
}

/** Store how the workflow's runs are executed. Rejects with ApiError. */
export async function saveRunSettings(editor: Editor, settings: RunSettings): Promise<void> {
  const before = editor.runSettings.value
  editor.runSettings.value = settings
  const put = (etag: string): ReturnType<typeof putRunSettings> =>
    putRunSettings(editor.workflowId, settings, etag)
  try {
    await editor.saving.value?.beside(put).catch(async (cause: unknown) => {
      // Somebody's rename or publishing raised the revision; the drawing is told of it as well.
      if (!(cause instanceof ApiError) || cause.status !== 412) throw cause
      const newer = await editor.saving.value?.refresh()
      if (newer) editor.replace(newer, 'Changed elsewhere')
      await editor.saving.value?.beside(put)
    })
  } catch (cause) {
    editor.runSettings.value = before
    throw cause
  }
}

const LET_GO = 'heddle:let-go:'

/** The run under way, else the newest one: its states and data are there when the editor opens. */
export async function takeUpLastRun(editor: Editor, run: RunSession): Promise<void> {
  const query = new URLSearchParams({ workflow_id: editor.workflowId, limit: '10' })
  const { items } = await get<{ items: RunView[] }>(`/runs?${query.toString()}`)
  const last = items.find(({ status }) => !ENDED.has(status)) ?? items[0]
  if (last && sessionStorage.getItem(LET_GO + editor.workflowId) !== last.id)
    await run.takeUp(last)
}

/** The shown run leaves the drawing, and does not come back with a reload. */
export function letGo(editor: { readonly workflowId: string }, run: RunSession): void {
  if (run.runId.value !== null) sessionStorage.setItem(LET_GO + editor.workflowId, run.runId.value)
  run.clear()
}

const ENDED: ReadonlySet<RunStatus> = new Set<RunStatus>(['completed', 'failed', 'cancelled'])

export async function openPastRun(editor: Editor, run: RunStore, runId: string): Promise<void> {
  const [types, past] = await Promise.all([loadNodeTypes(), loadRun(runId)])
  editor.nodeTypes.value = types
  editor.open(past.definition)
  await run.open(runId)
}

/** Watches the page and the network for the moments when saving matters. */
export function guard(editor: Editor): () => void {
  const leave = (): void => {
    editor.keep()
    editor.saving.value?.leave()
  }
  const hidden = (): void => {
    const saving = editor.saving.value
    if (document.visibilityState === 'hidden') void saving?.flush().catch(ignore)
    else void look()
  }
  const look = async (): Promise<void> => {
    const saving = editor.saving.value
    if (!saving) return
    await saving.wake()
    const newer = await saving.refresh().catch(() => null)
    if (newer) {
      editor.replace(newer, 'Changed elsewhere')
      editor.notify('This workflow was changed elsewhere; you see the newest drawing.')
    }
  }
  // The browser's back and forward may bring the page back as it was left.
  const shown = (event: PageTransitionEvent): void => {
    if (event.persisted) void look()
  }
  const online = (): void => void editor.saving.value?.wake()
  window.addEventListener('pagehide', leave)
  window.addEventListener('pageshow', shown)
  window.addEventListener('online', online)
  document.addEventListener('visibilitychange', hidden)
  return () => {
    window.removeEventListener('pagehide', leave)
    window.removeEventListener('pageshow', shown)
    window.removeEventListener('online', online)
    document.removeEventListener('visibilitychange', hidden)
    leave()
    editor.saving.value?.stop()
  }
}

/** What to tell when opening failed, in words. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 404) return 'This workflow or run does not exist, or it is not yours.'
    if (error.status === 401) return 'You are signed out. Sign in and open this page again.'
    return error.message
  }
  return 'Something went wrong while opening this workflow.'
}

function ignore(): void {
  // The next save or look tells again.
}
