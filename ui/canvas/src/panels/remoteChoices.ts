/** What fields offer from the server: workflows, library graphs, the workspace's files. */
import { get } from '../api'

export type RemoteKind = 'workflow' | 'library_graph' | 'file'

export interface RemoteChoice {
  readonly value: string
  readonly title: string
  readonly note?: string
}

interface Listed {
  readonly items?: readonly Record<string, unknown>[]
}

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
    const { items = [] } = await get<Listed>('/workflows?limit=200&sort=name')
    return items.map((item) => ({
      value: text(item['id']),
      title: text(item['name']),
      note: item['active_version'] ? `v${text(item['active_version'])}` : 'not published',
    }))
  },
  async library_graph() {
    const answer = await get<Listed | readonly Record<string, unknown>[]>('/graphs')
    const items = Array.isArray(answer) ? answer : ((answer as Listed).items ?? [])
    return items.map((item) => ({
      value: text(item['name']),
      title: text(item['title']) || text(item['name']),
      note: text(item['description']),
    }))
  },
  async file() {
    const { items: workspaces = [] } = await get<Listed>('/workspaces')
    const lists = await Promise.all(
      workspaces
        .slice(0, 5)
        .map((one) => get<Listed>(`/workspaces/${encodeURIComponent(text(one['id']))}/files`)),
    )
    return lists
      .flatMap((list) => list.items ?? [])
      .map((item) => ({ value: text(item['path'] ?? item['name']), title: '' }))
  },
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
