/** Follows one run's event stream: every event once and in order, through any loss of connection. */
import { url } from '../api'
import { parse } from '../json'
import type { RunEvent } from '../seam'

export type StreamListener = (data: string) => void

/** A stream of server-sent events; tests stand in for the network. */
export interface EventStream {
  /** `event` is any message of the run, whatever its kind; `end` says that no more will come. */
  on(type: 'open' | 'event' | 'end' | 'error', listener: StreamListener): void
  close(): void
}

export interface Wire {
  openStream(address: string): EventStream
  /** Waits before connecting again; returns how to give up waiting. */
  delay(ms: number, callback: () => void): () => void
}

export interface Watcher {
  /** A new event; stored ones arrive gap-free and once. */
  event(event: RunEvent): void
  state(state: 'live' | 'reconnecting'): void
  /** The server said that nothing more will come. */
  ended(): void
  /**
   * The connection was lost. Ask for the run why: `go on` opens the stream
   * again, `try later` waits longer, `stop` gives up (the watcher knows why).
   */
  lost(): Promise<'go on' | 'try later' | 'stop'>
}

const FIRST_DELAY_MS = 300
const LONGEST_DELAY_MS = 10_000

export class Follower {
  private stream: EventStream | null = null
  private stopDelay: (() => void) | null = null
  private failures = 0
  private gapAt = -1
  private stopped = false

  /** `seen` is the last seq that is known already. */
  constructor(
    private readonly runId: string,
    private seen: number,
    private readonly wire: Wire,
    private readonly watcher: Watcher,
  ) {
    this.connect()
  }

  stop(): void {
    this.stopped = true
    this.disconnect()
  }

  private disconnect(): void {
    this.stopDelay?.()
    this.stopDelay = null
    this.stream?.close()
    this.stream = null
  }

  private connect(): void {
    const id = encodeURIComponent(this.runId)
    const source = this.wire.openStream(url(`/runs/${id}/events?after=${String(this.seen)}`))
    this.stream = source
    const on = (type: Parameters<EventStream['on']>[0], act: StreamListener): void =>
      source.on(type, (data) => {
        if (this.stream === source) act(data)
      })
    on('open', () => this.alive())
    on('event', (data) => this.receive(data))
    on('end', () => {
      this.stop()
      this.watcher.ended()
    })
    on('error', () => this.loseConnection())
  }

  private alive(): void {
    this.failures = 0
    this.watcher.state('live')
  }

  private receive(data: string): void {
    let event: RunEvent
    try {
      event = parse(data) as RunEvent
    } catch {
      return
    }
    this.alive()
    const seq = event.seq ?? null
    if (seq !== null) {
      if (seq <= this.seen) return
      if (seq > this.seen + 1 && this.gapAt !== this.seen) {
        // Something was lost on the way: ask again from the last one, but only once for each gap.
        this.gapAt = this.seen
        this.disconnect()
        this.connect()
        return
      }
      this.seen = seq
    }
    this.watcher.event(event)
  }

  private loseConnection(): void {
    this.disconnect()
    this.failures++
    this.watcher.state('reconnecting')
    const wait = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.failures - 1))
    this.stopDelay = this.wire.delay(wait, () => void this.again())
  }

  private async again(): Promise<void> {
    this.stopDelay = null
    const answer = await this.watcher.lost()
    if (this.stopped) return
    if (answer === 'go on') this.connect()
    else if (answer === 'try later') this.loseConnection()
    else this.stop()
  }
}
