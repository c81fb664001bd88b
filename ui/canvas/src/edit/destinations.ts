/** Where one can go from the editor: the rail's pages, what the page's head opens, other drawings. */
import { get } from '../api'
import type { Editor } from './store'

/** What the page around the canvas opens when it is asked to. */
export type PageCommand =
  | 'versions'
  | 'runs'
  | 'publish'
  | 'details'
  | 'duplicate'
  | 'export-json'
  | 'export-yaml'
  | 'export-python'

export interface Destination {
  readonly key: string
  readonly title: string
  readonly icon: string
  readonly words: string
  open(): void
}

interface Known {
  readonly command: PageCommand | 'import'
  readonly title: string
  readonly icon: string
  readonly words: string
  /** Also for who may only look. */
  readonly reads?: boolean
}

const KNOWN: readonly Known[] = [
  { command: 'publish', title: 'Publish…', icon: 'publish', words: 'release activate deploy version' },
  { command: 'versions', title: 'Versions', icon: 'layers', words: 'history restore compare', reads: true },
  {
    command: 'runs',
    title: 'Runs of this workflow',
    icon: 'history',
    words: 'past executions log',
    reads: true,
  },
  { command: 'details', title: 'Details…', icon: 'edit_note', words: 'description tags rename workflow' },
  {
    command: 'export-json',
    title: 'Export as JSON',
    icon: 'download',
    words: 'download save file backup',
    reads: true,
  },
  {
    command: 'export-yaml',
    title: 'Export as YAML',
    icon: 'download',
    words: 'download save file backup',
    reads: true,
  },
  {
    command: 'export-python',
    title: 'Export as Python',
    icon: 'code',
    words: 'download langgraph program file',
    reads: true,
  },
  { command: 'import', title: 'Import a workflow…', icon: 'upload_file', words: 'json yaml file load open' },
  { command: 'duplicate', title: 'Duplicate this workflow', icon: 'file_copy', words: 'copy clone' },
]

/** What the head of the editor's page offers as well. */
export function pageCommands(
  editor: Editor,
  ask: (command: PageCommand) => void,
): readonly Destination[] {
  if (editor.mode !== 'edit') return []
  return KNOWN.filter(({ reads }) => reads === true || !editor.readOnly.value).map((one) => ({
    ...one,
    key: `page:${one.command}`,
    open: () => (one.command === 'import' ? chooseImport() : ask(one.command)),
  }))
}

/** The browser opens a file chooser only for what the user did here, not for the server. */
function chooseImport(): void {
  ;(window as { heddleChooseImport?: () => void }).heddleChooseImport?.()
}

/** The rail knows which pages the visitor may see. */
export function pages(root: ParentNode = document): readonly Destination[] {
  const links = [...root.querySelectorAll<HTMLAnchorElement>('nav.rail a.rail-link[href]')]
  return links.map((link) => {
    const path = link.getAttribute('href') ?? '/'
    return {
      key: `open:${path}`,
      title: link.querySelector('span')?.textContent?.trim() ?? path,
      icon: link.querySelector('.material-icons')?.textContent?.trim() ?? 'open_in_new',
      words: `page go open ${WORDS[path] ?? ''}`,
      open: () => window.location.assign(path),
    }
  })
}

const WORDS: Readonly<Record<string, string>> = {
  '/': 'all list home start',
  '/approvals': 'inbox questions waiting tasks',
  '/files': 'workspace data upload',
  '/runs': 'history executions log',
  '/help': 'guide documentation manual',
  '/settings': 'options limits usage tenant',
  '/users': 'accounts people roles',
}

/** The rail's own buttons choose the theme. */
export function themes(root: ParentNode = document): readonly Destination[] {
  const buttons = [...root.querySelectorAll<HTMLElement>('button[data-theme-choice]')]
  return buttons.map((button) => {
    const choice = button.dataset['themeChoice'] ?? ''
    return {
      key: `theme:${choice}`,
      title: `Theme: ${NAMES[choice] ?? choice}`,
      icon: button.querySelector('.material-icons')?.textContent?.trim() ?? 'contrast',
      words: 'dark light mode colours appearance night',
      open: () => button.click(),
    }
  })
}

const NAMES: Readonly<Record<string, string>> = {
  light: 'light',
  dark: 'dark',
  auto: 'same as the system',
}

const LIMIT = 50

/** Other workflows, the last changed first; those that have the words, where words are given. */
export async function workflows(editor: Editor, search = ''): Promise<readonly Destination[]> {
  const query = new URLSearchParams({ limit: String(LIMIT), sort: '-updated_at' })
  if (search !== '') query.set('search', search)
  const { items } = await get<{ items: { id: string; name: string; tags?: string[] }[] }>(
    `/workflows?${query.toString()}`,
  )
  return items
    .filter(({ id }) => id !== editor.workflowId)
    .map(({ id, name, tags }) => ({
      key: `open:/workflows/${id}`,
      title: name,
      icon: 'account_tree',
      words: `workflow open go drawing ${(tags ?? []).join(' ')}`,
      open: () => window.location.assign(`/workflows/${encodeURIComponent(id)}`),
    }))
}
