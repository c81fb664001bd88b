/** A question to a person as the run's events tell it, and what the server says to an answer. */
import { ApiError } from '../api'
import type { JsonObject, Schema } from '../seam'
import type { PointedProblem } from './schema'

export type Kind = 'confirmation' | 'choice' | 'text' | 'form'

export interface Question {
  readonly id: string
  readonly kind: Kind
  readonly title: string
  readonly message: string
  readonly schema: Schema
  readonly context: unknown
  readonly assignee: string | null
  readonly role: string | null
  readonly deadlineAt: string | null
  readonly hasDefault: boolean
}

export interface Option {
  readonly value: unknown
  readonly label: string
}

export function questionOf(request: JsonObject): Question {
  const kind = request['kind']
  return {
    id: String(request['approval_id'] ?? ''),
    kind: kind === 'choice' || kind === 'text' || kind === 'form' ? kind : 'confirmation',
    title: textOf(request['title']) ?? '',
    message: textOf(request['message']) ?? '',
    schema: (request['answer_schema'] as Schema | undefined) ?? {},
    context: request['context'] ?? null,
    assignee: textOf(request['assignee']),
    role: textOf(request['role']),
    deadlineAt: textOf(request['deadline_at']),
    hasDefault: 'default_answer' in request,
  }
}

/** What can be chosen, with the words that people read. */
export function optionsOf(question: Question): readonly Option[] {
  if (question.kind === 'confirmation')
    return [
      { value: true, label: 'Yes' },
      { value: false, label: 'No' },
    ]
  const labels = question.schema['x-labels']
  return (question.schema.enum ?? []).map((value, index) => {
    const label: unknown = Array.isArray(labels) ? labels[index] : undefined
    return { value, label: textOf(label) ?? String(value) }
  })
}

/** Who may answer, in words; empty when every editor may. */
export function whoMay(question: Question): string {
  const list: string[] = []
  if (question.assignee !== null) list.push(question.assignee)
  if (question.role !== null)
    list.push(question.role === 'admin' ? 'administrators' : `${question.role}s and above`)
  return list.join(' or ')
}

export interface Refusal {
  readonly message: string
  /** Of the answer, relative to it; of the comment, as `/comment`. */
  readonly problems: readonly PointedProblem[]
  /** Nothing more can be said to this question. */
  readonly closed: boolean
}

export function refusalOf(cause: unknown): Refusal {
  if (!(cause instanceof ApiError))
    return { message: 'The answer could not be sent.', problems: [], closed: false }
  const problems = cause.errors.map(({ pointer, detail }) => ({
    pointer: pointer.replace(/^\/answer(?=\/|$)/, ''),
    detail,
  }))
  const closed = cause.status === 409 || cause.status === 404
  if (cause.code === 'approval_answered')
    return { message: 'Somebody has answered this already.', problems: [], closed }
  if (cause.code === 'approval_closed')
    return { message: 'The run does not wait for this answer any more.', problems: [], closed }
  if (cause.status === 403)
    return { message: cause.message || 'Somebody else is asked.', problems: [], closed: false }
  return {
    message: problems.length > 0 ? '' : cause.message,
    problems,
    closed,
  }
}

/** `approved`, the option's label, the text, or null where the value itself must be shown. */
export function answerText(question: Question, answer: unknown): string | null {
  const option = optionsOf(question).find((one) => one.value === answer)
  if (question.kind === 'confirmation') return answer === true ? 'Yes' : 'No'
  if (option) return option.label
  return typeof answer === 'string' ? answer : null
}

/** `in 2 h 5 min`, `over`: how long is left until a deadline. */
export function timeLeft(deadline: string, now: number): string {
  const minutes = Math.ceil((Date.parse(deadline) - now) / 60_000)
  if (Number.isNaN(minutes)) return ''
  if (minutes <= 0) return 'over'
  if (minutes < 60) return `in ${String(minutes)} min`
  if (minutes < 48 * 60) return `in ${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`
  return `in ${String(Math.round(minutes / 1440))} days`
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
