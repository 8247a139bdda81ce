/**
 * The viewer: draws tiles at each frame that something changed.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import {
  fitView,
  levelFor,
  levelSize,
  panBy,
  TILE,
  toImage,
  toWindow,
  type View,
  visibleTiles,
  zoomAt,
} from "./geometry.ts";
import type { IsChanged } from "./changed.ts";
import { drawOverlay, type OverlayLook } from "./overlay.ts";
import { type At, type Gestures, listen } from "./pointers.ts";
import { createTiles, type DrawTile, type TileCache } from "./tiles.ts";

/** Draws lines over the tiles; `toWindow` gives places. */
export type Decorate = (
  context: CanvasRenderingContext2D,
  toWindow: (at: At) => At,
  zoom: number,
) => boolean;

/** The viewer of a canvas. */
export interface Viewer {
  /** Show another image. */
  open(size: Size2D | undefined, view?: View): void;
  /** How the image's tiles are drawn. */
  setBase(draw: DrawTile): void;
  /** Draw the image's tiles again. */
  refreshBase(): void;
  /** Show another overlay; tiles that have not changed stay. */
  setOverlay(look: OverlayLook, isChanged?: IsChanged): void;
  setDecoration(decorate: Decorate | undefined): void;
  /** Draw a frame soon. */
  redraw(): void;
  readonly view: View;
  setView(view: View): void;
  zoomBy(factor: number): void;
  pan(dx: number, dy: number): void;
  fit(): void;
  /** Milliseconds of the last frames, for tests of smoothness. */
  readonly frames: readonly number[];
  close(): void;
}

const FRAMES_KEPT = 240;

/** Attach a viewer to a canvas. */
export function createViewer(
  canvas: HTMLCanvasElement,
  gestures: Gestures,
): Viewer {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  let size: Size2D | undefined;
  let view: View = { x: 0, y: 0, zoom: 1 };
  let overlayLook: OverlayLook = { hasOutlines: false };
  let decorate: Decorate | undefined;
  let isDue = false;
  let isClosed = false;
  let isFitted = true;
  const frames: number[] = [];
  let draw: DrawTile = () => undefined;

  const redraw = () => {
    if (isDue || isClosed) return;
    isDue = true;
    requestAnimationFrame(frame);
  };
  const base = createTiles((at) => draw(at), redraw);
  const scratch = new OffscreenCanvas(TILE, TILE);
  const overlay = createTiles((at) => {
    if (size === undefined) return undefined;
    const { pixels, width, height } = drawOverlay(overlayLook, size, at);
    scratch.width = width;
    scratch.height = height;
    const data = new ImageData(
      new Uint8ClampedArray(pixels.buffer),
      width,
      height,
    );
    (scratch.getContext("2d") as OffscreenCanvasRenderingContext2D)
      .putImageData(data, 0, 0);
    return scratch.transferToImageBitmap();
  }, redraw);

  const windowSize = (): Size2D => ({
    height: canvas.clientHeight,
    width: canvas.clientWidth,
  });

  function frame() {
    isDue = false;
    const start = performance.now();
    const window = windowSize();
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [
      Math.max(1, Math.round(window.width * ratio)),
      Math.max(1, Math.round(window.height * ratio)),
    ];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, window.width, window.height);
    if (size !== undefined) {
      const level = levelFor(view.zoom * ratio, size);
      const tiles = visibleTiles(view, size, { window, level });
      context.imageSmoothingEnabled = view.zoom < 1;
      base.want(tiles);
      overlay.want(tiles);
      drawTiles(base, tiles, window);
      context.imageSmoothingEnabled = false;
      drawTiles(overlay, tiles, window);
      if (decorate) {
        context.save();
        const place = (at: At) => toWindow(view, at, window);
        if (decorate(context, place, view.zoom)) redraw();
        context.restore();
      }
    }
    frames.push(performance.now() - start);
    if (frames.length > FRAMES_KEPT) frames.shift();
  }

  function drawTiles(
    cache: TileCache,
    tiles: ReturnType<typeof visibleTiles>,
    window: Size2D,
  ) {
    if (size === undefined) return;
    for (const at of tiles) {
      const piece = cache.find(at);
      if (piece === undefined) continue;
      const step = 2 ** at.level;
      const whole = levelSize(size, at.level);
      const from = { x: at.column * TILE * step, y: at.row * TILE * step };
      const to = {
        x: Math.min(size.width, from.x + TILE * step),
        y: Math.min(size.height, from.y + TILE * step),
      };
      // the last pixel of a level may stand for less than its step
      if (at.column * TILE + TILE >= whole.width) to.x = whole.width * step;
      if (at.row * TILE + TILE >= whole.height) to.y = whole.height * step;
      const a = toWindow(view, from, window);
      const b = toWindow(view, to, window);
      // whole pixels of the window, so that no seam shows
      const [x0, y0] = [Math.round(a.x), Math.round(a.y)];
      const [x1, y1] = [Math.round(b.x), Math.round(b.y)];
      const { source, picture } = piece;
      context.drawImage(
        picture,
        source.x,
        source.y,
        source.width,
        source.height,
        x0,
        y0,
        x1 - x0,
        y1 - y0,
      );
    }
  }

  function setView(next: View) {
    view = next;
    gestures.onView(view);
    redraw();
  }

  const viewer: Viewer = {
    open(next, at) {
      size = next;
      base.clear();
      overlay.clear();
      isFitted = at === undefined;
      if (size) setView(at ?? fitView(size, windowSize()));
      redraw();
    },
    setBase(next) {
      draw = next;
      base.refresh();
      redraw();
    },
    refreshBase() {
      base.refresh();
      redraw();
    },
    setOverlay(look, isChanged) {
      overlayLook = look;
      overlay.refresh(isChanged);
      redraw();
    },
    setDecoration(next) {
      decorate = next;
      redraw();
    },
    redraw,
    get view() {
      return view;
    },
    setView,
    zoomBy(factor) {
      const { width, height } = windowSize();
      isFitted = false;
      setView(
        zoomAt(view, { x: width / 2, y: height / 2, factor }, windowSize()),
      );
    },
    pan(dx, dy) {
      if (size) setView(panBy(view, { dx, dy }, size));
    },
    fit() {
      isFitted = true;
      if (size) setView(fitView(size, windowSize()));
    },
    frames,
    close() {
      isClosed = true;
      observer.disconnect();
      base.clear();
      overlay.clear();
    },
  };

  const observer = new ResizeObserver(() => {
    if (isFitted) viewer.fit();
    redraw();
  });
  observer.observe(canvas);
  listen(canvas, viewer, {
    gestures,
    place: (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    },
    at: (point) => toImage(view, point, windowSize()),
    zoom: (point, factor) => {
      isFitted = false;
      setView(zoomAt(view, { ...point, factor }, windowSize()));
    },
  });
  return viewer;
}
