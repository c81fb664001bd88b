/** The one door to /api/v1: fetch with the CSRF token, problem+json turned into ApiError. */

import { parse, stringify } from './json'

const BASE = '/api/v1'

export interface FieldProblem {
  readonly pointer: string
  readonly code: string
  readonly detail: string
  readonly node_id?: string | null
}

/** What the server (or its absence, `status` 0) answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldProblem[] = [],
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** Nobody answered, or a proxy did for a server that is away: worth trying again. */
  get offline(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

export interface Answer<T> {
  readonly data: T
  readonly etag: string | null
  readonly status: number
}

export interface CallOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly keepalive?: boolean
  readonly signal?: AbortSignal
}

export function csrfToken(cookies: string = document.cookie): string | null {
  for (const part of cookies.split(';')) {
    const [name, ...rest] = part.trim().split('=')
    if (name === 'heddle_csrf') return decodeURIComponent(rest.join('='))
  }
  return null
}

/** The address of an API path, for event streams and links. */
export function url(path: string): string {
  return BASE + path
}

export async function call<T>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  options: CallOptions = {},
): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
  // A drawing from the browser's cache is an old one, which the next save would bring back.
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' }
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
    init.body = stringify(options.body)
  }
  if (method !== 'GET') {
    const token = csrfToken()
    if (token !== null) headers['X-CSRF-Token'] = token
  }
  if (options.keepalive) init.keepalive = true
  if (options.signal) init.signal = options.signal
  let response: Response
  try {
    response = await fetch(url(path), init)
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError(0, 'offline', 'The server cannot be reached.')
  }
  const data = await readBody(response)
  if (!response.ok) throw problem(response, data)
  return { data: data as T, etag: response.headers.get('ETag'), status: response.status }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call<T>('GET', path, signal ? { signal } : {})).data
}

interface Page<T> {
  readonly items?: readonly T[]
  readonly next_cursor?: string | null
}

/** All entries of a list, page by page; of more than `most` the first. */
export async function getAll<T>(path: string, most = 2000): Promise<readonly T[]> {
  const found: T[] = []
  let cursor: string | null | undefined
  do {
    const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const page: Page<T> = await get(`${path}${path.includes('?') ? '&' : '?'}limit=200${after}`)
    found.push(...(page.items ?? []))
    cursor = page.next_cursor
  } while (cursor && found.length < most)
  return found
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return (await call<T>('POST', path, body === undefined ? {} : { body })).data
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '') return null
  try {
    return parse(text)
  } catch {
    return null
  }
}

function problem(response: Response, data: unknown): ApiError {
  const body = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const message =
    text(body['detail']) ?? text(body['title']) ?? `The server answered ${response.status}.`
  const errors = Array.isArray(body['errors']) ? (body['errors'] as FieldProblem[]) : []
  return new ApiError(response.status, text(body['code']) ?? 'http_error', message, errors, body)
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
