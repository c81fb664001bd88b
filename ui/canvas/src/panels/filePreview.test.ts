// @vitest-environment happy-dom
import { createApp, defineComponent, h, nextTick, shallowRef, type App } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import FilePreview from './fields/FilePreview.vue'
import { guesses, previewable, shownCell, toggled } from './filePreview'

const ANSWER = {
  columns: [
    { name: 'id', type: 'BIGINT' },
    { name: 'note', type: 'VARCHAR' },
  ],
  rows: [{ id: 7, note: null }],
  dialect: { separator: ';', encoding: 'UTF-8', quote: '"', decimal: ',', header: true, skip_rows: 2 },
  notices: [{ line: 7, detail: '3 rows were shorter than the others' }],
  sample_only: true,
}

describe('what is asked and said', () => {
  it('asks only when nothing hangs on a run', () => {
    expect(previewable({ name: 'a.csv', delimiter: ';' })).toBe(true)
    expect(previewable({ name: ' ' })).toBe(false)
    expect(previewable({})).toBe(false)
    expect(previewable({ name: '{{ input.name }}' })).toBe(false)
    expect(previewable({ name: 'a.csv', text_columns: ['{{ input.c }}'] })).toBe(false)
    expect(previewable({ name: 'a.csv', skip_rows: '{{ input.n }}' })).toBe(false)
  })

  it('adds a column to those kept as text and takes it away', () => {
    expect(toggled({}, 'id')).toEqual(['id'])
    expect(toggled({ text_columns: ['id', 'zip'] }, 'id')).toEqual(['zip'])
  })

  it('tells the guesses that apply', () => {
    expect(guesses(ANSWER.dialect)).toEqual([
      'encoding UTF-8',
      'separator ;',
      'quote "',
      'decimal sign ,',
      'first row: names',
      '2 rows skipped',
    ])
    expect(guesses({ separator: '', header: null, skip_rows: 0 })).toEqual([])
  })

  it('shows cells as they are', () => {
    expect([null, 'x', 0, { a: 1 }].map(shownCell)).toEqual(['', 'x', '0', '{"a":1}'])
  })
})

describe('FilePreview', () => {
  let app: App | null = null
  let bodies: unknown[] = []
  let answer: () => Response

  beforeEach(() => {
    vi.useFakeTimers()
    bodies = []
    answer = () => new Response(JSON.stringify(ANSWER), { status: 200 })
    vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
      if (init.method === 'GET')
        return Promise.resolve(new Response(JSON.stringify({ items: [{ id: 'w' }] })))
      expect(address).toBe('/api/v1/workspaces/w/preview')
      bodies.push(JSON.parse(init.body as string))
      return Promise.resolve(answer())
    })
  })

  afterEach(() => {
    app?.unmount()
    vi.unstubAllGlobals()
    vi.useRealTimers()
    document.body.innerHTML = ''
  })

  function mount(start: Record<string, unknown>) {
    const settings = shallowRef(start)
    const root = document.createElement('div')
    document.body.append(root)
    app = createApp(
      defineComponent(
        () => () =>
          h(FilePreview, {
            settings: settings.value,
            readOnly: false,
            onTextColumns: (names: string[]) =>
              (settings.value = { ...settings.value, text_columns: names }),
          }),
      ),
    )
    app.mount(root)
    return { root, settings }
  }

  async function settled(): Promise<void> {
    await vi.advanceTimersByTimeAsync(1000)
    await nextTick()
  }

  it('shows rows, guesses and odd lines, and asks anew once when settings change', async () => {
    const { root, settings } = mount({ name: 'a.csv' })
    await settled()
    expect(root.textContent).toContain('separator ;')
    expect(root.textContent).toContain('Line 7: 3 rows were shorter')
    expect(root.textContent).toContain('Only the head of the file')
    expect(root.querySelector('td')?.textContent?.trim()).toBe('7')
    settings.value = { name: 'a.csv', delimiter: ';' }
    await nextTick()
    settings.value = { name: 'a.csv', delimiter: '|' }
    await settled()
    expect(bodies).toEqual([{ name: 'a.csv' }, { name: 'a.csv', delimiter: '|' }])
  })

  it('keeps a column as text at a click', async () => {
    const { root, settings } = mount({ name: 'a.csv' })
    await settled()
    root.querySelector<HTMLInputElement>('input[aria-label="id as text"]')?.click()
    await settled()
    expect(settings.value).toEqual({ name: 'a.csv', text_columns: ['id'] })
    expect(bodies.at(-1)).toEqual({ name: 'a.csv', text_columns: ['id'] })
  })

  it('says in place why a file cannot be read', async () => {
    answer = () =>
      new Response(JSON.stringify({ detail: "'a.csv' cannot be read: line 3", code: 'x' }), {
        status: 422,
      })
    const { root } = mount({ name: 'a.csv' })
    await settled()
    expect(root.querySelector('[role=alert]')?.textContent).toContain('line 3')
  })
})
