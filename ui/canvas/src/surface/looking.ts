/** What of the drawing is in view: chosen when it opens, by the reader, and for a step. */
import type { VueFlowStore } from '@vue-flow/core'
import type { Ref } from 'vue'
import type { Rect } from '../document/geometry'
import type { Editor } from '../edit/store'
import type { Position, Size } from '../seam'
import {
  READABLE,
  beginning,
  boundsOf,
  fitted,
  opening,
  partOf,
  type Viewport,
} from './viewport'

export class Looking {
  /** The view as it was last chosen here; while it stays, it follows the size of the canvas. */
  private chosen: { at: Viewport; choose: (bounds: Rect) => Viewport } | null = null
  private readonly calm = window.matchMedia?.('(prefers-reduced-motion: reduce)')

  constructor(
    private readonly store: Editor,
    private readonly flow: VueFlowStore,
    private readonly root: Readonly<Ref<HTMLElement | null>>,
    /** The step to begin at where not all can be shown; null is the start. */
    private readonly begin: () => string | null,
  ) {}

  async open(): Promise<void> {
    await this.look(this.opened)
  }

  /** The step to begin at is another one now. */
  begun(): void {
    if (this.chosen?.choose === this.opened) this.again(this.pace)
  }

  /** Until the reader moves it, the view keeps in sight what it was chosen for. */
  resized(): void {
    this.again(0)
  }

  /** All of the drawing, or these of its parts. */
  fit(ids: readonly string[] = []): void {
    const part = partOf(this.store.definition.value, this.store.nodeTypes.value, ids)
    void this.look((bounds) => fitted(part ?? bounds, this.view()), this.pace)
  }

  /** Into view, and only as far as needed when it is nearly there. */
  centre(id: string, readable = false): void {
    const drawn = this.flow.findNode(id)
    if (!drawn) return
    const { x, y } = drawn.computedPosition
    const { width, height } = drawn.dimensions
    const at = this.flow.viewport.value
    const scale = Math.max(at.zoom, readable ? READABLE : 0.5)
    const left = x * at.zoom + at.x
    const top = y * at.zoom + at.y
    const size = this.view()
    const visible =
      !readable &&
      at.zoom >= 0.5 &&
      left > 16 &&
      top > 56 &&
      left + width * at.zoom < size.width - 16 &&
      top + height * at.zoom < size.height - 72
    if (!visible)
      void this.flow.setCenter(x + width / 2, y + height / 2, { zoom: scale, duration: this.pace })
  }

  zoomBy(way: 'in' | 'out'): void {
    const duration = this.pace / 2
    void (way === 'in' ? this.flow.zoomIn({ duration }) : this.flow.zoomOut({ duration }))
  }

  zoomTo(level: number): void {
    void this.flow.zoomTo(level, { duration: this.pace })
  }

  toCanvas(client: Position): Position {
    return this.flow.screenToFlowCoordinate(client)
  }

  toClient({ x, y }: Position): Position {
    const box = this.root.value?.getBoundingClientRect()
    const at = this.flow.viewport.value
    return { x: x * at.zoom + at.x + (box?.left ?? 0), y: y * at.zoom + at.y + (box?.top ?? 0) }
  }

  /** Where a card must begin to stand in the middle of the view. */
  viewCentre(): Position {
    const box = this.root.value?.getBoundingClientRect()
    if (!box) return { x: 0, y: 0 }
    return this.toCanvas({
      x: box.left + box.width / 2 - 90,
      y: box.top + box.height / 2 - 60,
    })
  }

  /** What a movement takes, in ms. */
  private get pace(): number {
    return this.calm?.matches ? 0 : 220
  }

  private readonly opened = (bounds: Rect): Viewport => {
    const { definition, nodeTypes } = this.store
    const middle = beginning(definition.value, nodeTypes.value, bounds, this.begin())
    return opening(bounds, middle, this.view())
  }

  private look(choose: (bounds: Rect) => Viewport, duration = 0): Promise<boolean> | undefined {
    const bounds = boundsOf(this.store.definition.value, this.store.nodeTypes.value)
    if (!bounds) return undefined
    this.chosen = { at: choose(bounds), choose }
    return this.flow.setViewport(this.chosen.at, { duration })
  }

  private again(duration: number): void {
    const now = this.flow.viewport.value
    const before = this.chosen
    if (before === null) return
    const same = (['x', 'y', 'zoom'] as const).every(
      (key) => Math.abs(before.at[key] - now[key]) < 0.01,
    )
    if (same) void this.look(before.choose, duration)
  }

  private view(): Size {
    const box = this.root.value?.getBoundingClientRect()
    return { width: box?.width ?? 800, height: box?.height ?? 600 }
  }
}
