// @vitest-environment happy-dom
import { createApp, defineComponent, h, nextTick, shallowRef, type App } from 'vue'
import { afterEach, describe, expect, it } from 'vitest'
import type { Schema } from '../seam'
import type { Root } from './expressions'
import type { PointedProblem } from './schema'
import SchemaForm from './SchemaForm.vue'

let app: App | null = null

afterEach(() => {
  app?.unmount()
  app = null
  document.body.innerHTML = ''
})

interface Mounted {
  readonly root: HTMLElement
  value(): Record<string, unknown>
  field(pointer: string): HTMLElement
  input(pointer: string): HTMLTextAreaElement
  type(element: HTMLInputElement | HTMLTextAreaElement, text: string): Promise<void>
}

function mount(
  schema: Schema,
  start: Record<string, unknown>,
  more: { problems?: PointedProblem[]; roots?: Root[]; readOnly?: boolean } = {},
): Mounted {
  const value = shallowRef(start)
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp(
    defineComponent(
      () => () =>
        h(SchemaForm, {
          schema,
          modelValue: value.value,
          ...more,
          'onUpdate:modelValue': (next: Record<string, unknown>) => (value.value = next),
        }),
    ),
  )
  app.mount(root)
  const field = (pointer: string): HTMLElement => {
    const found = root.querySelector<HTMLElement>(`[data-field="${pointer}"]`)
    if (!found) throw new Error(`no field ${pointer}`)
    return found
  }
  return {
    root,
    value: () => value.value,
    field,
    input: (pointer) => field(pointer).querySelector('textarea')!,
    async type(element, text) {
      element.value = text
      if (element instanceof HTMLTextAreaElement)
        element.setSelectionRange(text.length, text.length)
      element.dispatchEvent(new Event('input', { bubbles: true }))
      await nextTick()
    },
  }
}

const roots: Root[] = [
  { name: 'input', label: 'L', group: 'G', icon: 'i', value: { city: 'Oslo' }, known: true },
]

describe('SchemaForm', () => {
  it('ties every label to its input and says what is required', () => {
    const { root } = mount(
      {
        type: 'object',
        required: ['url'],
        properties: {
          url: { type: 'string', title: 'Address', description: 'Where to.' },
          count: { type: 'integer', title: 'Count' },
          mode: { enum: ['a', 'b', 'c', 'd', 'e'], title: 'Mode' },
        },
      },
      {},
    )
    for (const label of root.querySelectorAll('label[for]'))
      expect(root.querySelector(`#${label.getAttribute('for')}`)).not.toBeNull()
    expect(root.querySelectorAll('label[for]')).toHaveLength(3)
    expect(root.textContent).toContain('(required)')
    const described = root.querySelector('textarea')?.getAttribute('aria-describedby')
    expect(root.querySelector(`#${described}`)?.textContent).toContain('Where to.')
  })

  it('writes what is entered and takes emptied optional fields out', async () => {
    const form = mount({ type: 'object', properties: { url: { type: 'string' } } }, { other: 1 })
    await form.type(form.input('/url'), 'x')
    expect(form.value()).toEqual({ other: 1, url: 'x' })
    await form.type(form.input('/url'), '')
    expect(form.value()).toEqual({ other: 1 })
  })

  it('refuses numbers outside the limits and says which are right', async () => {
    const schema = {
      type: 'object',
      properties: { n: { type: 'integer', minimum: 1, maximum: 5 } },
    }
    const form = mount(schema, { n: 2 })
    const input = form.field('/n').querySelector('input')!
    await form.type(input, '9')
    expect(form.value()).toEqual({ n: 2 })
    expect(form.field('/n').textContent).toContain('Use 1 to 5.')
    await form.type(input, '4')
    expect(form.value()).toEqual({ n: 4 })
  })

  it('lets a number be an expression and back again', async () => {
    const form = mount({ type: 'object', properties: { n: { type: 'integer' } } }, { n: 2 })
    form.field('/n').querySelector<HTMLElement>('.wfi-toggle')?.click()
    await nextTick()
    await form.type(form.input('/n'), '{{ input.n }}')
    expect(form.value()).toEqual({ n: '{{ input.n }}' })
    form.field('/n').querySelector<HTMLElement>('.wfi-toggle')?.click()
    await nextTick()
    expect(form.value()).toEqual({})
    expect(form.field('/n').querySelector('input[type=number]')).not.toBeNull()
  })

  it('offers names behind {{ and inserts the chosen one by keyboard', async () => {
    const form = mount({ type: 'object', properties: { t: { type: 'string' } } }, {}, { roots })
    const input = form.input('/t')
    input.focus()
    await form.type(input, 'Hi {{ ci')
    await nextTick()
    expect(input.getAttribute('aria-expanded')).toBe('true')
    const options = [...form.root.querySelectorAll('[role=option]')]
    expect(options[0]?.textContent).toContain('input.city')
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }))
    await nextTick()
    expect(form.value()).toEqual({ t: 'Hi {{ input.city }}' })
    expect(form.root.querySelector('[data-testid=expression-preview]')?.textContent).toContain(
      'Hi Oslo',
    )
  })

  it('puts braces around a condition that has none', async () => {
    const schema = { type: 'object', properties: { c: { 'x-widget': 'expression' } } }
    const form = mount(schema, {})
    const input = form.input('/c')
    await form.type(input, 'input.n > 3')
    input.dispatchEvent(new Event('blur'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(form.value()).toEqual({ c: '{{ input.n > 3 }}' })
    await form.type(input, '[1, 2]')
    input.dispatchEvent(new Event('blur'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(form.value()).toEqual({ c: [1, 2] })
  })

  it('adds, moves and removes entries of a list', async () => {
    const schema: Schema = {
      type: 'object',
      properties: {
        cases: {
          type: 'array',
          items: {
            title: 'Case',
            type: 'object',
            properties: { port: { type: 'string' } },
            required: ['port'],
          },
        },
      },
    }
    const form = mount(schema, { cases: [{ port: 'a' }, { port: 'b' }] })
    const press = async (label: string): Promise<void> => {
      form.root.querySelector<HTMLElement>(`[aria-label="${label}"]`)?.click()
      await nextTick()
    }
    await press('Move case 2 up')
    expect(form.value()).toEqual({ cases: [{ port: 'b' }, { port: 'a' }] })
    form.field('/cases').querySelector<HTMLElement>('.wfi-add')?.click()
    await nextTick()
    await press('Remove case 1')
    expect(form.value()).toEqual({ cases: [{ port: 'a' }, { port: '' }] })
  })

  it('edits names and values without losing a half-entered row', async () => {
    const schema = {
      type: 'object',
      properties: { f: { type: 'object', 'x-widget': 'key_value' } },
    }
    const form = mount(schema, { f: { a: 1 } })
    form.field('/f').querySelector<HTMLElement>('.wfi-add')?.click()
    await nextTick()
    const names = (): HTMLInputElement[] => [
      ...form.root.querySelectorAll<HTMLInputElement>('.wfi-name'),
    ]
    expect(names()).toHaveLength(2)
    expect(form.value()).toEqual({ f: { a: 1 } })
    await form.type(names()[1]!, 'a')
    expect(form.root.textContent).toContain('used twice')
    await form.type(names()[1]!, 'b')
    expect(form.value()).toEqual({ f: { a: 1, b: '' } })
  })

  it('stores JSON only while it can be read', async () => {
    const schema = { type: 'object', properties: { j: { 'x-widget': 'json' } } }
    const form = mount(schema, {})
    await form.type(form.input('/j'), '{"a": 1}')
    expect(form.value()).toEqual({ j: { a: 1 } })
    await form.type(form.input('/j'), '{"a": }')
    expect(form.value()).toEqual({ j: { a: 1 } })
    expect(form.field('/j').querySelector('[role=alert]')?.textContent).toMatch(/Not saved/)
    await form.type(form.input('/j'), '{{ prev }}')
    expect(form.value()).toEqual({ j: '{{ prev }}' })
    await form.type(form.input('/j'), '{"a": {{ prev }}}')
    expect(form.field('/j').querySelector('[role=alert]')?.textContent).toContain('Put quotes')
  })

  it('shows each problem at its field and the rest on top', () => {
    const form = mount(
      { type: 'object', properties: { url: { type: 'string' } } },
      {},
      {
        problems: [
          { pointer: '/url', detail: 'Missing.' },
          { pointer: '/gone', detail: 'Unknown field.' },
        ],
      },
    )
    expect(form.field('/url').textContent).toContain('Missing.')
    expect(form.field('/url').textContent).not.toContain('Unknown')
    expect(form.input('/url').getAttribute('aria-invalid')).toBe('true')
    expect(form.root.textContent).toContain('Unknown field.')
  })

  it('hides secrets until asked, never expressions', async () => {
    const schema = {
      type: 'object',
      properties: { key: { type: 'string', title: 'Key', 'x-secret': true } },
    }
    const form = mount(schema, { key: 'abc' })
    expect(form.input('/key').classList.contains('is-masked')).toBe(true)
    form.root.querySelector<HTMLElement>('[aria-label="Show the secret"]')?.click()
    await nextTick()
    expect(form.input('/key').classList.contains('is-masked')).toBe(false)
    await form.type(form.input('/key'), '{{ secrets.A }}')
    expect(form.input('/key').classList.contains('is-masked')).toBe(false)
  })

  it('offers nothing to change where nothing may be changed', () => {
    const form = mount(
      {
        type: 'object',
        properties: { t: { type: 'string' }, l: { type: 'array', items: { type: 'string' } } },
      },
      { t: 'x', l: ['a'] },
      { readOnly: true },
    )
    expect(form.input('/t').readOnly).toBe(true)
    expect(form.root.querySelectorAll('button')).toHaveLength(0)
  })
})
