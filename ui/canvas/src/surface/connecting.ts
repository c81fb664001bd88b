/** The wire being drawn: where it may end, and why not where the pointer is. */
import { inject, shallowRef, type InjectionKey, type ShallowRef } from 'vue'
import type { Position } from '../seam'
import type { Loose } from '../edit/place'

export interface Connecting {
  readonly from: ShallowRef<Loose | null>
  /** Nodes that would accept the wire; null while none is drawn. */
  readonly targets: ShallowRef<ReadonlySet<string> | null>
  /** The refusal of what is under the pointer. */
  readonly hint: ShallowRef<{ readonly text: string; readonly at: Position } | null>
}

export const CONNECTING: InjectionKey<Connecting> = Symbol('connecting')

export function newConnecting(): Connecting {
  return { from: shallowRef(null), targets: shallowRef(null), hint: shallowRef(null) }
}

export function useConnecting(): Connecting {
  const connecting = inject(CONNECTING)
  if (!connecting) throw new Error('No surface is provided')
  return connecting
}
