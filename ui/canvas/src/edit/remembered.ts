/** Small choices of layout, kept in this browser. */
import { ref, watch, type Ref } from 'vue'

export function remembered<T extends boolean | number>(name: string, initial: T): Ref<T> {
  const key = `heddle:layout:${name}`
  const value = ref(initial) as Ref<T>
  try {
    const known: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    if (typeof known === typeof initial) value.value = known as T
  } catch {
    // A browser without storage forgets; nothing else depends on it.
  }
  watch(value, (next) => {
    try {
      localStorage.setItem(key, JSON.stringify(next))
    } catch {
      // As above.
    }
  })
  return value
}
