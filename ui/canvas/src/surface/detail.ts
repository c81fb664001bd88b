/** Whether so much is in view at so small a scale that cards leave out what cannot be read. */
import { inject, type InjectionKey, type Ref } from 'vue'

export const SPARSE: InjectionKey<Readonly<Ref<boolean>>> = Symbol('sparse')

export function useSparse(): Readonly<Ref<boolean>> {
  const sparse = inject(SPARSE)
  if (!sparse) throw new Error('No surface is provided')
  return sparse
}
