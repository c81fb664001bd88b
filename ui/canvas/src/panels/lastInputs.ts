/** Remembers in this browser what a workflow was started with last, and a form that is open. */
import { isMembers, parse, stringify } from '../json'
import type { JsonObject } from '../seam'

const PREFIX = 'heddle.inputs.'
/** Larger inputs are not worth the browser's small store. */
const MOST_CHARACTERS = 100_000

export function recall(workflowId: string): JsonObject | null {
  try {
    const text = localStorage.getItem(PREFIX + workflowId)
    const value: unknown = text === null ? null : parse(text)
    return isMembers(value) ? value : null
  } catch {
    return null
  }
}

export function remember(workflowId: string, inputs: JsonObject): void {
  try {
    const text = stringify(inputs)
    if (text.length <= MOST_CHARACTERS) localStorage.setItem(PREFIX + workflowId, text)
  } catch {
    // A full or forbidden store only costs the convenience.
  }
}

const OPEN_PREFIX = 'heddle.run-dialog.'

/** What is typed into the open form, kept by this tab over a reload. */
export function keepOpen(workflowId: string, state: Readonly<Record<string, unknown>> | null): void {
  try {
    if (state === null) return sessionStorage.removeItem(OPEN_PREFIX + workflowId)
    const text = stringify(state)
    if (text.length <= MOST_CHARACTERS) sessionStorage.setItem(OPEN_PREFIX + workflowId, text)
  } catch {
    // As above: what was typed is then gone with the page.
  }
}

export function keptOpen(workflowId: string): Readonly<Record<string, unknown>> | null {
  try {
    const text = sessionStorage.getItem(OPEN_PREFIX + workflowId)
    const value: unknown = text === null ? null : parse(text)
    return isMembers(value) ? value : null
  } catch {
    return null
  }
}
