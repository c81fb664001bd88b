/** What fields offer from the server: workflows, library graphs, the workspace's files. */
import { getAll } from '../api'

export type RemoteKind = 'workflow' | 'library_graph' | 'file'

export interface RemoteChoice {
  readonly value: string
  readonly title: string
  readonly note?: string
}

type Listed = Readonly<Record<string, unknown>>

/** Directories looked into for files to offer. */
const MOST_DIRECTORIES = 100

/** Long enough for one look at a form, short enough to see what was just added. */
const KEPT_MS = 15_000

const kept = new Map<RemoteKind, { at: number; answer: Promise<readonly RemoteChoice[]> }>()

/** Asked again at the next look: something was added. */
export function forgetChoices(kind: RemoteKind): void {
  kept.delete(kind)
}

export function remoteChoices(kind: RemoteKind): Promise<readonly RemoteChoice[]> {
  const known = kept.get(kind)
  if (known && Date.now() - known.at < KEPT_MS) return known.answer
  const answer = LOADERS[kind]()
  kept.set(kind, { at: Date.now(), answer })
  answer.catch(() => kept.delete(kind))
  return answer
}

const LOADERS: Readonly<Record<RemoteKind, () => Promise<readonly RemoteChoice[]>>> = {
  async workflow() {
    const items = await getAll<Listed>('/workflows?sort=name')
    return items.map((item) => ({
      value: text(item['id']),
      title: text(item['name']),
      note: item['active_version'] ? `v${text(item['active_version'])}` : 'not published',
    }))
  },
  async library_graph() {
    const items = await getAll<Listed>('/graphs')
    return items.map((item) => ({
      value: text(item['name']),
      title: text(item['title']) || text(item['name']),
      note: text(item['description']),
    }))
  },
  async file() {
    const workspaces = await getAll<Listed>('/workspaces')
    const found: string[] = []
    const directories = workspaces.map((one) => ({ id: text(one['id']), name: '' }))
    for (const { id, name } of directories) {
      const within = name ? `?directory=${encodeURIComponent(name)}` : ''
      const entries = await getAll<Listed>(`/workspaces/${encodeURIComponent(id)}/files${within}`)
      for (const entry of entries) {
        const path = text(entry['path'])
        if (entry['kind'] !== 'directory') found.push(path)
        else if (directories.length < MOST_DIRECTORIES) directories.push({ id, name: path })
      }
    }
    return found.map((value) => ({ value, title: '' }))
  },
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
