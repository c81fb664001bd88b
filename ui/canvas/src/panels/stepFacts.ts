/** The few words beside a step's status: time, size, attempt, tokens, cost, where it came from. */
import type { StepRecord, StepUsage } from '../run/record'
import { bytes, duration } from '../surface/status'

/** US dollars with as many places as are needed to see something. */
export function money(usd: string | null | undefined): string {
  if (usd === null || usd === undefined || usd === '') return ''
  const value = Number(usd)
  if (!Number.isFinite(value)) return ''
  if (value >= 1 || value === 0) return `$${value.toFixed(2)}`
  return value >= 0.0001 ? `$${value.toFixed(4)}` : `$${value.toPrecision(2)}`
}

export function tokensText(usage: StepUsage): string {
  const into = usage.input_tokens.toLocaleString('en')
  const out = usage.output_tokens.toLocaleString('en')
  return `${into} → ${out} tokens`
}

export function tokensOf(usage: StepUsage | null | undefined): number {
  return usage ? usage.input_tokens + usage.output_tokens : 0
}

/** The built-in model, which answers without a provider: there is nothing to pay. */
const MOCK = 'mock'

/** The model whose price is missing, when that keeps a step from having a cost. */
export function unpricedModel(step: StepRecord): string | null {
  if (tokensOf(step.usage) === 0 || step.usage?.cost_usd || step.model === MOCK) return null
  return step.model
}

export function factsOf(step: StepRecord, side: 'input' | 'output'): readonly string[] {
  const list: string[] = []
  if (step.durationMs !== null) list.push(duration(step.durationMs))
  if (side === 'output' && step.sizeBytes) list.push(bytes(step.sizeBytes))
  if (step.attempt > 1) list.push(`attempt ${String(step.attempt)}`)
  if (step.usage !== null && tokensOf(step.usage) > 0) list.push(tokensText(step.usage))
  const cost = money(step.usage?.cost_usd)
  const unpriced = unpricedModel(step)
  if (cost !== '') list.push(cost)
  if (unpriced !== null) list.push(`no price for ${unpriced}`)
  else if (step.model !== null) list.push(step.model)
  return list
}

/** The models of a run's steps that have no price, in order of their first use. */
export function unpricedModels(steps: Iterable<StepRecord>): readonly string[] {
  const models = new Set<string>()
  for (const step of steps) {
    const model = unpricedModel(step)
    if (model !== null) models.add(model)
  }
  return [...models]
}
