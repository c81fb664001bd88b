/** What a file looks like as the settings of a form would have it read; asked of the server. */
import { call, get } from '../api'
import { stringify } from '../json'
import { hasExpression } from './expressions'
import { plural } from '../plural'

export interface FilePreview {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly dialect: Readonly<Record<string, unknown>>
  readonly notices: readonly { readonly detail: string; readonly line?: number | null }[]
  readonly sample_only: boolean
}

export type Settings = Readonly<Record<string, unknown>>

/** Whether a file of that name is read as a table. */
export function isTableFile(name: unknown): boolean {
  return typeof name === 'string' && /\.(csv|tsv|json|jsonl|parquet|xlsx)$/i.test(name)
}

/** Whether everything is known before a run: a name is given, and no setting is an expression. */
export function previewable(settings: Settings): boolean {
  const name = settings['name']
  return typeof name === 'string' && name.trim() !== '' && !holdsExpression(settings)
}

function holdsExpression(value: unknown): boolean {
  if (typeof value === 'object' && value !== null)
    return Object.values(value).some((part) => holdsExpression(part))
  return hasExpression(value)
}

/** The columns kept as text, with that one added, or taken away if it is one of them. */
export function toggled(settings: Settings, column: string): string[] {
  const kept = textColumns(settings)
  return kept.includes(column) ? kept.filter((name) => name !== column) : [...kept, column]
}

export function textColumns(settings: Settings): string[] {
  const kept = settings['text_columns']
  return Array.isArray(kept) ? kept.filter((name): name is string => typeof name === 'string') : []
}

/** What the file was taken for, in a few words each. */
export function guesses(dialect: FilePreview['dialect']): string[] {
  const said: string[] = []
  const add = (key: string, label: string): void => {
    const value = dialect[key]
    if (typeof value === 'string' && value !== '') said.push(`${label} ${value}`)
  }
  add('encoding', 'encoding')
  add('separator', 'separator')
  add('quote', 'quote')
  add('decimal', 'decimal sign')
  add('sheet', 'sheet')
  const header = dialect['header']
  if (typeof header === 'boolean') said.push(header ? 'first row: names' : 'no row of names')
  const skipped = dialect['skip_rows']
  if (typeof skipped === 'number' && skipped > 0) said.push(`${plural(skipped, 'row')} skipped`)
  return said
}

export function shownCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : stringify(value)
}

let workspace: Promise<string> | null = null

export async function workspaceId(): Promise<string> {
  workspace ??= get<{ items?: readonly { id: string }[] }>('/workspaces').then(
    (page) => page.items?.[0]?.id ?? '',
  )
  workspace.catch(() => (workspace = null))
  return workspace
}

export async function loadPreview(settings: Settings, signal: AbortSignal): Promise<FilePreview> {
  const path = `/workspaces/${encodeURIComponent(await workspaceId())}/preview`
  return (await call<FilePreview>('POST', path, { body: settings, signal })).data
}
