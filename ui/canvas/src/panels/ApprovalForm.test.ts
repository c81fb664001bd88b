// @vitest-environment happy-dom
import { createApp, defineComponent, h, nextTick, shallowRef, type App } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { applyToStep, newStep } from '../run/steps'
import { EDITOR, type EditorStore, type JsonObject } from '../seam'
import ApprovalForm from './ApprovalForm.vue'

let app: App | null = null
let sent: [string, unknown][]
let answer: { status: number; body: unknown }

beforeEach(() => {
  sent = []
  answer = { status: 200, body: {} }
  vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
    sent.push([address, JSON.parse(String(init.body))])
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }))
  })
})
afterEach(() => {
  app?.unmount()
  document.body.innerHTML = ''
  vi.unstubAllGlobals()
})

function ask(request: JsonObject, given?: JsonObject) {
  const step = newStep('ask', 'ask', null)
  applyToStep(step, 'step.started', 1, {})
  applyToStep(step, 'approval.requested', 2, { approval_id: 'q1', message: 'Well?', ...request })
  if (given) applyToStep(step, 'approval.answered', 3, given)
  const shown = shallowRef({ ...step })
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp(defineComponent(() => () => h(ApprovalForm, { step: shown.value })))
  app.provide(EDITOR, { announce: () => undefined } as unknown as EditorStore)
  app.mount(root)
  return root
}

async function press(root: HTMLElement, name: string): Promise<void> {
  const found = [...root.querySelectorAll('button')].find((one) => one.textContent?.includes(name))
  if (!found) throw new Error(`no button ${name}`)
  found.click()
  await settle()
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((done) => setTimeout(done))
  await nextTick()
}

describe('a question', () => {
  it('is approved with a comment', async () => {
    const root = ask({ kind: 'confirmation', answer_schema: { type: 'boolean' }, assignee: 'ada' })
    expect(root.textContent).toContain('For ada')
    const comment = root.querySelector<HTMLTextAreaElement>('.wfi-comment textarea')!
    comment.value = 'fine'
    comment.dispatchEvent(new Event('input'))
    await press(root, 'Yes')
    expect(sent).toEqual([['/api/v1/approvals/q1/respond', { answer: true, comment: 'fine' }]])
    expect(root.textContent).toContain('Sent')
  })

  it('offers its options by their labels, and wants one', async () => {
    const root = ask({
      kind: 'choice',
      answer_schema: { enum: ['ship', 'wait'], 'x-labels': ['Ship it', 'Wait'] },
    })
    await press(root, 'Send')
    expect(root.textContent).toContain('Choose one')
    expect(sent).toEqual([])
    root.querySelectorAll<HTMLInputElement>('input[type=radio]')[1]!.click()
    await press(root, 'Send')
    expect(sent[0]![1]).toEqual({ answer: 'wait' })
  })

  it('shows at the fields what the server does not like', async () => {
    const root = ask({
      kind: 'form',
      answer_schema: {
        type: 'object',
        required: ['amount'],
        properties: { amount: { type: 'number', title: 'Amount', default: 3 } },
      },
    })
    answer = {
      status: 422,
      body: {
        code: 'answer_invalid',
        detail: 'The answer does not fit',
        errors: [{ pointer: '/answer/amount', code: 'maximum', detail: 'At most 2.' }],
      },
    }
    await press(root, 'Send')
    expect(sent[0]![1]).toEqual({ answer: { amount: 3 } })
    expect(root.querySelector('[data-field="/amount"]')?.textContent).toContain('At most 2.')
  })

  it.each([
    [409, 'approval_answered', 'Somebody has answered'],
    [409, 'approval_closed', 'does not wait'],
    [403, 'not_assignee', 'Only bob may answer'],
  ])('says why it was refused: %i %s', async (status, code, words) => {
    const root = ask({ kind: 'confirmation', answer_schema: { type: 'boolean' } })
    answer = { status, body: { code, detail: 'Only bob may answer' } }
    await press(root, 'No')
    expect(root.querySelector('[role=alert]')?.textContent).toContain(words)
  })

  it('shows what was answered, by whom', () => {
    const root = ask(
      { kind: 'choice', answer_schema: { enum: ['a'], 'x-labels': ['First'] } },
      { approval_id: 'q1', source: 'person', answer: 'a', by: 'ada', comment: 'sure' },
    )
    expect(root.textContent).toContain('Answered by ada')
    expect(root.textContent).toContain('First')
    expect(root.textContent).toContain('sure')
    expect(root.querySelector('form')).toBeNull()
  })
})
