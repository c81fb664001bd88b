/** What the list under an expression field offers for what is typed. */
import { filterOffers, offers, type Offer, type Root } from './expressions'
import { functionOffers, filterOffersAfterPipe } from './functions'

const MOST_FUNCTIONS = 8

/** Data first; functions join once there is something typed, and alone follow a `|`. */
export function nameOffers(roots: readonly Root[], query: string, piped: boolean): Offer[] {
  if (piped) return filterOffers(filterOffersAfterPipe(), query)
  const data = filterOffers(offers(roots), query)
  if (query === '') return data
  return [...data, ...filterOffers(functionOffers(), query, MOST_FUNCTIONS)]
}

/** Plain values; all of them while the field is empty or holds one of them. */
export function choiceOffers(choices: readonly string[], text: string): Offer[] {
  const list = choices.map((choice) => ({
    path: choice,
    label: choice,
    group: 'Suggestions',
    icon: 'auto_awesome',
    type: '',
    preview: '',
  }))
  return text === '' || choices.includes(text) ? list : filterOffers(list, text)
}
