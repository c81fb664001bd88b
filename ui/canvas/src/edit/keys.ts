/** Key presses on the page: which become commands, and which are left to fields and dialogs. */
import type { Ref } from 'vue'
import { perform, type Context } from './commands'
import { commandOf, isTyping, type Command } from './keyboard'
import { leaveForCanvas } from './regions'
import type { Editor } from './store'

/** Clipboard keys arrive as clipboard events, which need no permission. */
const CLIPBOARD: ReadonlySet<Command> = new Set(['copy', 'cut', 'paste'])
/** On a button, Enter presses it and Tab goes to the next. */
const NATIVE: ReadonlySet<Command> = new Set(['inspect', 'palette', 'run-node', 'run-until', 'run-from'])
const EVERYWHERE: ReadonlySet<Command> = new Set([
  'commands',
  'find',
  'save',
  'run',
  'help',
  'undo',
  'redo',
  'pause',
  'step',
])
/** Their keys write nothing. */
const WHILE_TYPING: ReadonlySet<Command> = new Set([
  'commands',
  'find',
  'save',
  'run',
  'pause',
  'step',
])

export interface KeyContext extends Context {
  readonly root: Ref<HTMLElement | null>
  readonly canvas: Ref<HTMLElement | null>
}

export function keyHandler(context: KeyContext): (event: KeyboardEvent) => void {
  const { editor, canvas } = context

  function keydown(event: KeyboardEvent): void {
    if (event.defaultPrevented) return
    if (leaveForCanvas(event, context)) {
      event.preventDefault()
      return
    }
    const name = commandOf(event, editor.readOnly.value)
    if (name === null || CLIPBOARD.has(name)) return
    const typing = isTyping(event.target)
    if (typing && !WHILE_TYPING.has(name)) return
    const target = event.target as HTMLElement
    // A dialog may have lost the focus to the page; the keys are its own even so.
    if (target.closest('dialog, .q-dialog') || document.querySelector('.q-dialog, dialog[open]')) return
    const onCanvas = canvas.value?.contains(target) === true || target === document.body
    if (!onCanvas && !EVERYWHERE.has(name)) return
    // with the focus nowhere, Tab must lead into the page and not into the quick add
    if (event.key === 'Tab' && target === document.body) return
    if (target.closest('button, a') && NATIVE.has(name)) return
    if (perform(name, context)) event.preventDefault()
  }

  return keydown
}

export interface ClipboardHandlers {
  copied(event: ClipboardEvent, cut: boolean): void
  pasted(event: ClipboardEvent): void
  /** From a menu rather than from the keys. */
  copy(cut: boolean): void
  paste(): void
}

export function clipboardHandlers(editor: Editor): ClipboardHandlers {
  function copied(event: ClipboardEvent, cut: boolean): void {
    if (isTyping(event.target) || !window.getSelection()?.isCollapsed) return
    const text = editor.copied()
    if (text === null || !event.clipboardData) return
    event.preventDefault()
    event.clipboardData.setData('text/plain', text)
    if (cut && !editor.readOnly.value) editor.removeWhole()
    else editor.announce('Copied')
  }

  function pasted(event: ClipboardEvent): void {
    if (isTyping(event.target) || editor.readOnly.value) return
    const text = event.clipboardData?.getData('text/plain') ?? ''
    event.preventDefault()
    if (!editor.pasteText(text)) editor.refuse('The clipboard holds no steps.')
  }

  function copy(cut: boolean): void {
    const text = editor.copied()
    if (text === null) return
    void navigator.clipboard?.writeText(text).catch(() => undefined)
    if (cut && !editor.readOnly.value) editor.removeWhole()
  }

  function paste(): void {
    const reading = navigator.clipboard?.readText?.()
    if (!reading) editor.pasteOwn()
    else {
      reading.then(
        (text) => editor.pasteText(text) || editor.pasteOwn(),
        () => editor.pasteOwn(),
      )
    }
  }

  return { copied, pasted, copy, paste }
}
