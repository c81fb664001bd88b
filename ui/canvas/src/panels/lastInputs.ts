/** Remembers in this browser what a workflow was started with last. */
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
