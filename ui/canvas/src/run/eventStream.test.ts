import { afterEach, expect, it, vi } from 'vitest'
import { Messages, openEventStream } from './eventStream'

afterEach(() => vi.unstubAllGlobals())

function streamOf(...pieces: string[]): Response {
  const encoder = new TextEncoder()
  return new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(encoder.encode(piece))
        controller.close()
      },
    }),
  )
}

it('cuts messages of any kind out of whatever pieces arrive', () => {
  const text =
    'retry: 1000\n\n: hello\nid: 1\nevent: run.started\ndata: {"a":1}\n\nevent: new.kind\r\ndata: one\r\ndata:two\r\n\r\ndata: plain\n\n'
  for (let size = 1; size < text.length; size++) {
    const seen: [string, string][] = []
    const messages = new Messages((kind, data) => seen.push([kind, data]))
    for (let at = 0; at < text.length; at += size) messages.take(text.slice(at, at + size))
    expect(seen).toEqual([
      ['run.started', '{"a":1}'],
      ['new.kind', 'one\ntwo'],
      ['message', 'plain'],
    ])
  }
})

it('tells of the end, of a loss, and of nothing once it is closed', async () => {
  const seen: string[] = []
  const follow = (answer: Response): ReturnType<typeof openEventStream> => {
    vi.stubGlobal('fetch', () => Promise.resolve(answer))
    const stream = openEventStream('/events')
    for (const type of ['open', 'event', 'end', 'error'] as const)
      stream.on(type, (data) => seen.push(`${type} ${data}`.trim()))
    return stream
  }
  follow(streamOf('event: never.heard.of\ndata: é', '\n\nevent: end\ndata: {}\n\n'))
  await vi.waitFor(() => expect(seen).toEqual(['open', 'event é', 'end {}', 'error']))
  seen.length = 0
  follow(new Response('', { status: 503 }))
  await vi.waitFor(() => expect(seen).toEqual(['error']))
  seen.length = 0
  follow(streamOf('event: x\ndata: y\n\n')).close()
  await new Promise((done) => setTimeout(done))
  expect(seen).toEqual([])
})
