/** The provided run store with what the panels need beyond the seam. */
import { useRun } from '../seam'
import type { RunSession } from '../run/runtime'

export function useSession(): RunSession {
  return useRun() as RunSession
}
