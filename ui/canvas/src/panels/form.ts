/** What the fields of one form share, provided by SchemaForm and read by every field beneath it. */
import { inject, provide, type ComputedRef, type InjectionKey } from 'vue'
import type { Root } from './expressions'
import type { PointedProblem } from './schema'

export interface FormContext {
  /** Prefix of the ids of the form's inputs. */
  readonly id: string
  /** The names that expressions may use here, with the values last seen. */
  readonly roots: ComputedRef<readonly Root[]>
  /** Whether `{{ … }}` means anything in this form. */
  readonly expressions: ComputedRef<boolean>
  readonly problems: ComputedRef<readonly PointedProblem[]>
  readonly readOnly: ComputedRef<boolean>
}

const FORM: InjectionKey<FormContext> = Symbol('form')

export function provideForm(context: FormContext): void {
  provide(FORM, context)
}

export function useForm(): FormContext {
  const context = inject(FORM)
  if (!context) throw new Error('No form is provided')
  return context
}

/** The DOM id of the input for a pointer within the form. */
export function inputId(form: string, pointer: string): string {
  return `${form}${pointer.replace(/[^A-Za-z0-9_-]+/g, '-')}`
}
