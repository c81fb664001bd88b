/** What the editor tells its user: short messages on the canvas, spoken ones for screen readers. */
import { reactive, shallowRef, type ShallowRef } from 'vue'

export interface Toast {
  readonly id: number
  readonly message: string
  readonly kind: 'info' | 'warning' | 'error'
  /** It says why something could not be done, which the next change makes old. */
  readonly refusal: boolean
}

const TOAST_MS = 5000
const MOST = 3

export class Messages {
  readonly toasts: Toast[] = reactive([])
  /** The text of the aria-live region. */
  readonly live: ShallowRef<string> = shallowRef('')
  private serial = 0

  announce(message: string): void {
    this.live.value = message
  }

  notify(message: string, kind: Toast['kind'], refusal = false): void {
    if (this.toasts.some((toast) => toast.message === message)) return
    const id = ++this.serial
    this.toasts.push({ id, message, kind, refusal })
    if (this.toasts.length > MOST) this.toasts.shift()
    this.announce(message)
    setTimeout(() => this.dismiss(id), kind === 'error' ? 2 * TOAST_MS : TOAST_MS)
  }

  /** Something was done: what was refused before is no news any more. */
  settle(): void {
    for (const { id } of this.toasts.filter((toast) => toast.refusal)) this.dismiss(id)
  }

  dismiss(id: number): void {
    const index = this.toasts.findIndex((toast) => toast.id === id)
    if (index >= 0) this.toasts.splice(index, 1)
  }
}
