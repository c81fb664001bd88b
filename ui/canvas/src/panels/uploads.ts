/** Puts a file of this computer into the workspace, and tells how far it is. */
import { ApiError, csrfToken, url, type FieldProblem } from '../api'
import { isMembers, parse } from '../json'
import { workspaceId } from './filePreview'

export interface Upload {
  readonly done: Promise<string>
  cancel(): void
}

/** `done` gives the file's name in the workspace; rejects with ApiError, code `cancelled` included. */
export function upload(file: File, name: string, progress: (part: number) => void): Upload {
  const request = new XMLHttpRequest()
  const done = workspaceId().then(
    (workspace) =>
      new Promise<string>((resolve, reject) => {
        const path = name.split('/').map(encodeURIComponent).join('/')
        request.open('PUT', url(`/workspaces/${encodeURIComponent(workspace)}/files/${path}`))
        request.setRequestHeader('Content-Type', 'application/octet-stream')
        request.setRequestHeader('Accept', 'application/json')
        const token = csrfToken()
        if (token !== null) request.setRequestHeader('X-CSRF-Token', token)
        request.upload.onprogress = (event) => {
          if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total)
        }
        request.onabort = () => reject(new ApiError(0, 'cancelled', 'The upload was cancelled.'))
        request.onerror = () => reject(new ApiError(0, 'offline', 'The server cannot be reached.'))
        request.onload = () => {
          const body = bodyOf(request.responseText)
          if (request.status < 300) resolve(String(body['path'] ?? name))
          else reject(refusal(request.status, body))
        }
        request.send(file)
      }),
  )
  return { done, cancel: () => request.abort() }
}

function bodyOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const body = parse(text)
    return isMembers(body) ? body : {}
  } catch {
    return {}
  }
}

function refusal(status: number, body: Readonly<Record<string, unknown>>): ApiError {
  const detail = body['detail'] ?? body['title'] ?? `The server answered ${String(status)}.`
  const errors = Array.isArray(body['errors']) ? (body['errors'] as FieldProblem[]) : []
  return new ApiError(status, String(body['code'] ?? 'http_error'), String(detail), errors)
}

/** `sales (2).csv` while there is a `sales.csv`. */
export function freeFileName(name: string, taken: readonly string[]): string {
  const dot = name.lastIndexOf('.')
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  for (let number = 2; ; number++) {
    const next = `${stem} (${String(number)})${ending}`
    if (!taken.includes(next)) return next
  }
}
