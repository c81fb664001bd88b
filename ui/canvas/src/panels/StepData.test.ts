// @vitest-environment happy-dom
import { createApp, h, nextTick, shallowRef, type App } from 'vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { applyToStep, newStep } from '../run/steps'
import { EDITOR, RUN, type EditorStore, type RunStore } from '../seam'
import StepData from './StepData.vue'

let app: App | null = null
afterEach(() => {
  app?.unmount()
  document.body.innerHTML = ''
  vi.unstubAllGlobals()
})

function show(data: Record<string, unknown>, mode = 'full') {
  const step = newStep('read', 'read', null)
  applyToStep(step, 'step.started', 1, {})
  const revision = shallowRef(0)
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp(() => h(StepData, { step, side: 'output', title: 'Read', path: 'steps.read' }))
  app.provide(EDITOR, { announce: () => undefined } as unknown as EditorStore)
  app.provide(RUN, { revision, run: shallowRef({ mode }) } as unknown as RunStore)
  app.mount(root)
  return {
    root,
    async complete(): Promise<void> {
      applyToStep(step, 'step.completed', 2, { ports: ['out'], duration_ms: 3, ...data })
      revision.value++
      for (let turn = 0; turn < 5; turn++) await new Promise((done) => setTimeout(done))
      await nextTick()
    },
  }
}

const table = {
  $artifact: 'gone',
  kind: 'table',
  size_bytes: 9,
  columns: [{ name: 'city', type: 'VARCHAR' }],
  row_count: 3,
  preview: [{ city: 'Oslo' }],
}

describe('the data of a step', () => {
  it('follows the step as it goes on, and marks what was not executed', async () => {
    const { root, complete } = show({ output: 'x', pinned: true, reused_from: 'r 1' }, 'mock')
    expect(root.textContent).toContain('Running')
    await complete()
    expect(root.textContent).toContain('Completed')
    expect(root.textContent).toContain('Pinned')
    expect(root.textContent).toContain('Mock')
    expect(root.querySelector('a')?.getAttribute('href')).toBe('/runs/r%201')
  })

  it('shows the first rows of a table that is not kept any more', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{}', { status: 404 })))
    const { root, complete } = show({ output: table })
    await complete()
    expect(root.textContent).toContain('These are its first rows')
    expect(root.querySelector('tbody')?.textContent).toContain('Oslo')
    expect(root.querySelector('[aria-label="Download Output"]')).toBeNull()
  })

  it('shows each chart and table among other fields as itself', async () => {
    vi.stubGlobal('fetch', () =>
      Promise.resolve(
        new Response(JSON.stringify({ items: [{ city: 'Rome' }], next_cursor: null, total: 1 })),
      ),
    )
    const { root, complete } = show({ output: { rows: table, note: 'fine' } })
    await complete()
    expect(root.querySelector('[data-part=rows] tbody')?.textContent).toContain('Rome')
    expect(root.querySelector('.is-rest')?.textContent).toContain('note')
  })
})
