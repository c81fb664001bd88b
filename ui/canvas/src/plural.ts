/** `1 step`, `1,204 steps`: how the canvas and its panels count. */
export function plural(count: number, noun: string, several = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : several}`
}
