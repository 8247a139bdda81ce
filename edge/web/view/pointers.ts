/**
 * Pointers over the viewer: what a drag, two fingers and the wheel mean.
 *
 * @module
 */
import type { View } from "./geometry.ts";

/** A point of the image. */
export interface At {
  readonly x: number;
  readonly y: number;
}

/** What happens at the pointer, in pixels of the image. */
export interface Gestures {
  /** True where a drag draws instead of moving the image. */
  isDrawing(): boolean;
  onStart(at: At, event: { shiftKey: boolean }): void;
  onMove(at: At): void;
  onEnd(at: At): void;
  onHover(at: At | undefined): void;
  onView(view: View): void;
}

/** Pointers: one draws or moves, two zoom; the wheel zooms. */
export function listen(
  canvas: HTMLCanvasElement,
  viewer: { pan(dx: number, dy: number): void },
  { gestures, place, at, zoom }: {
    gestures: Gestures;
    place: (event: MouseEvent) => At;
    at: (point: At) => At;
    zoom: (point: At, factor: number) => void;
  },
): void {
  const pointers = new Map<number, At>();
  let isDrawing = false;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    const point = place(event);
    pointers.set(event.pointerId, point);
    const isMain = event.button === 0 && !event.altKey;
    if (pointers.size === 1 && isMain && gestures.isDrawing()) {
      isDrawing = true;
      gestures.onStart(at(point), event);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const point = place(event);
    gestures.onHover(at(point));
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    pointers.set(event.pointerId, point);
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId);
      const far = (p: At) => Math.hypot(p.x - other[1].x, p.y - other[1].y);
      if (far(before) > 0) zoom(other[1], far(point) / far(before));
      return;
    }
    if (isDrawing) {
      // moves between two frames come together
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length > 0 ? events : [event]) {
        gestures.onMove(at(place(each)));
      }
    } else viewer.pan(point.x - before.x, point.y - before.y);
  });
  const end = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId) || !isDrawing) return;
    isDrawing = false;
    gestures.onEnd(at(place(event)));
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => gestures.onHover(undefined));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    zoom(place(event), Math.exp(-event.deltaY * lines / 400));
  }, { passive: false });
}
