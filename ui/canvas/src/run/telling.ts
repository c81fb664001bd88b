/** How a run stands, in a few words for people. */
import type { RunMode, RunStatus, RunView } from '../seam'
import { clock } from '../surface/status'
import type { Pause } from './facts'
import { textOf, type StepRecord } from './steps'

export interface Telling {
  readonly icon: string
  readonly name: string
  readonly turning?: boolean
}

export interface Situation {
  readonly status: RunStatus
  readonly pause: Pause | null
  /** The steps in which a person's answer is awaited. */
  readonly asking: readonly StepRecord[]
  /** A pause was asked for, and the running steps have not ended yet. */
  readonly pausing: boolean
  readonly reason: string | null
  titleOf(nodeId: string): string
}

const LOOKS: Readonly<Record<RunStatus, Telling>> = {
  queued: { icon: 'schedule', name: 'Queued, waiting for room' },
  running: { icon: 'autorenew', name: 'Running', turning: true },
  paused: { icon: 'pause_circle', name: 'Paused' },
  cancelling: { icon: 'autorenew', name: 'Cancelling', turning: true },
  completed: { icon: 'check_circle', name: 'Completed' },
  failed: { icon: 'error', name: 'Failed' },
  cancelled: { icon: 'block', name: 'Cancelled' },
}

export function tell(now: Situation): Telling {
  const look = LOOKS[now.status]
  if (now.status === 'running') {
    if (now.pausing) return { ...look, name: 'Pausing after the running steps' }
    return now.asking.length > 0 ? { ...look, name: `Running · ${awaited(now)}` } : look
  }
  if (now.status !== 'paused') return look
  const pause = now.pause
  if (pause?.reason === 'breakpoint') {
    return { ...look, icon: 'radio_button_checked', name: stoppedAt(now, pause) }
  }
  if (pause?.reason === 'waiting') {
    if (now.asking.length > 0) return { icon: 'how_to_reg', name: capital(awaited(now)) }
    const until = pause.wakeAt === null ? '' : ` until ${clock(pause.wakeAt)}`
    return { icon: 'hourglass_empty', name: `Waiting${until}` }
  }
  return pause?.by ? { ...look, name: `Paused by ${pause.by}` } : look
}

function stoppedAt(now: Situation, pause: Pause): string {
  const [first] = pause.stops
  if (first === undefined) return 'Stopped'
  const more = new Set(pause.stops.map((stop) => stop.node_id)).size - 1
  const others = more === 0 ? '' : ` and ${String(more)} more`
  return `Stopped ${first.side ?? 'before'} “${now.titleOf(first.node_id)}”${others}`
}

function awaited(now: Situation): string {
  const who = new Set<string>()
  for (const { approval } of now.asking) {
    const request = approval?.request ?? {}
    const role = textOf(request['role'])
    const name = textOf(request['assignee']) ?? (role === null ? null : `an ${role}`)
    if (name !== null) who.add(name.replace(/^an (?![aeiou])/, 'a '))
  }
  const many = now.asking.length
  const what = many === 1 ? 'waiting for an answer' : `waiting for ${String(many)} answers`
  return who.size === 0 ? what : `${what} by ${[...who].join(', ')}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** What is special about how a run is executed, for the mark beside its state. */
export interface ModeMark {
  readonly mode: RunMode | 'part' | 'fork'
  readonly icon: string
  readonly name: string
  readonly help: string
}

export function marksOf(run: RunView | null, titleOf: (nodeId: string) => string): ModeMark[] {
  const marks: ModeMark[] = []
  if (run?.mode === 'mock')
    marks.push({
      mode: 'mock',
      icon: 'science',
      name: 'Mock',
      help: 'Nothing happens outside: models, requests and tools answer with recorded or made-up data.',
    })
  if (run?.mode === 'debug')
    marks.push({
      mode: 'debug',
      icon: 'bug_report',
      name: 'Debug',
      help: 'The run stops before each step.',
    })
  const { node, from, until } = run?.only ?? {}
  const part = node ?? from ?? until
  if (part) {
    const how = node ? 'Only' : from ? 'From' : 'Up to'
    marks.push({
      mode: 'part',
      icon: 'splitscreen',
      name: `${how} “${titleOf(part)}”`,
      help: 'A part of the drawing was run; the other steps kept their data.',
    })
  } else if (run?.parent_run_id) {
    marks.push({
      mode: 'fork',
      icon: 'call_split',
      name: 'Fork',
      help: 'Began with data of another run.',
    })
  }
  return marks
}
