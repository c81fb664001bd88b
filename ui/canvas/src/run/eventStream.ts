/** Server-sent events over fetch: every kind arrives, EventSource has only those it was told of. */
import type { EventStream, StreamListener } from './follow'

export function openEventStream(address: string): EventStream {
  return new FetchedStream(address)
}

class FetchedStream implements EventStream {
  private readonly listeners = new Map<string, StreamListener>()
  private readonly control = new AbortController()

  constructor(address: string) {
    void this.run(address)
  }

  on(type: 'open' | 'event' | 'end' | 'error', listener: StreamListener): void {
    this.listeners.set(type, listener)
  }

  close(): void {
    this.control.abort()
  }

  private async run(address: string): Promise<void> {
    try {
      const answer = await fetch(address, {
        headers: { Accept: 'text/event-stream' },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: this.control.signal,
      })
      if (!answer.ok || answer.body === null) return this.tell('error')
      this.tell('open')
      const decoder = new TextDecoder()
      const messages = new Messages((kind, data) =>
        this.tell(kind === 'end' ? 'end' : 'event', data),
      )
      const reader = answer.body.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        messages.take(decoder.decode(value, { stream: true }))
      }
    } catch {
      // Told below: whatever broke it, the stream has ended.
    }
    this.tell('error')
  }

  private tell(type: string, data = ''): void {
    if (!this.control.signal.aborted) this.listeners.get(type)?.(data)
  }
}

/** Cuts a text that arrives in pieces into messages, as the HTML standard says. */
export class Messages {
  private rest = ''
  private kind = ''
  private data: string[] = []

  constructor(private readonly message: (kind: string, data: string) => void) {}

  take(piece: string): void {
    const lines = (this.rest + piece).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.line(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  private line(line: string): void {
    if (line === '') {
      if (this.data.length > 0) this.message(this.kind || 'message', this.data.join('\n'))
      this.kind = ''
      this.data = []
      return
    }
    const [field, value] = /^([^:]*):? ?([\s\S]*)$/.exec(line)!.slice(1) as [string, string]
    if (field === 'event') this.kind = value
    else if (field === 'data') this.data.push(value)
  }
}
