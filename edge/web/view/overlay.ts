/**
 * Cells as a tile: filled in colors, outlined; truth outlined too.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { Labels } from "../edit/labels.ts";
import { pack, PREDICTION, TRUTH } from "./colors.ts";
import { levelSize, TILE, type TileAt } from "./geometry.ts";

/** What is drawn. */
export interface OverlayLook {
  readonly masks?: Labels;
  /** Fill of each label, as a pixel; absent: no fill. */
  readonly fill?: Uint32Array;
  readonly hasOutlines: boolean;
  /** Labels of the truth, outlined; absent: not shown. */
  readonly truth?: Labels;
  /** Fill of each true label. */
  readonly truthFill?: Uint32Array;
}

const TRUTH_LINE = pack(TRUTH, 255);
const PREDICTION_LINE = pack(PREDICTION, 255);
/** Length of a dash and of a gap, pixels. */
const DASH = 3;

/**
 * Draw a tile of the overlay.
 *
 * @param size  of the image
 * @returns     h×w pixels of canvas memory, and the tile's size
 */
export function drawOverlay(
  look: OverlayLook,
  size: Size2D,
  { level, column, row }: TileAt,
): { pixels: Uint32Array<ArrayBuffer>; height: number; width: number } {
  const whole = levelSize(size, level);
  const box = {
    x0: column * TILE,
    y0: row * TILE,
    width: Math.min(TILE, whole.width - column * TILE),
    height: Math.min(TILE, whole.height - row * TILE),
  };
  const pixels = new Uint32Array(box.width * box.height);
  const { masks, fill, truth, truthFill, hasOutlines } = look;
  if (truth && truthFill) {
    const labels = sample(truth, size, { ...box, level });
    fillLabels(pixels, labels, { ...box, table: truthFill });
  }
  if (masks && (fill || hasOutlines)) {
    const labels = sample(masks, size, { ...box, level });
    if (fill) fillLabels(pixels, labels, { ...box, table: fill });
    if (hasOutlines) {
      outline(pixels, labels, { ...box, color: PREDICTION_LINE, dash: DASH });
    }
  }
  // truth goes below the dashes, so that both are seen
  if (truth) {
    const labels = sample(truth, size, { ...box, level });
    outline(pixels, labels, { ...box, color: TRUTH_LINE, dash: 0 });
    if (masks && hasOutlines) {
      const above = sample(masks, size, { ...box, level });
      outline(pixels, above, { ...box, color: PREDICTION_LINE, dash: DASH });
    }
  }
  return { pixels, height: box.height, width: box.width };
}

interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly width: number;
  readonly height: number;
}

/** Labels of a box of a level with one pixel around it; 0 outside. */
function sample(
  labels: Labels,
  { height, width }: Size2D,
  { x0, y0, level, ...box }: Box & { level: number },
): Uint32Array {
  const stride = box.width + 2;
  const out = new Uint32Array(stride * (box.height + 2));
  const step = 2 ** level;
  const first = Math.max(0, x0 - 1);
  const last = Math.min(x0 + box.width, Math.ceil(width / step) - 1);
  for (let y = -1; y <= box.height; y++) {
    const row = (y0 + y) * step;
    if (row < 0 || row >= height) continue;
    labels.read(row * width + first * step, {
      step,
      count: last - first + 1,
      out,
      at: (y + 1) * stride + first - x0 + 1,
    });
  }
  return out;
}

function fillLabels(
  pixels: Uint32Array,
  labels: Uint32Array,
  { width, height, table }: Box & { table: Uint32Array },
): void {
  for (let y = 0, to = 0; y < height; y++) {
    let from = (y + 1) * (width + 2) + 1;
    for (let x = 0; x < width; x++, to++, from++) {
      const color = labels[from] === 0 ? 0 : table[labels[from]];
      if (color) pixels[to] = color;
    }
  }
}

function outline(
  pixels: Uint32Array,
  labels: Uint32Array,
  { x0, y0, width, height, color, dash }: Box & { color: number; dash: number },
): void {
  const stride = width + 2;
  for (let y = 0, to = 0; y < height; y++) {
    let at = (y + 1) * stride + 1;
    for (let x = 0; x < width; x++, to++, at++) {
      const label = labels[at];
      if (label === 0) continue;
      const isBorder = labels[at - 1] !== label || labels[at + 1] !== label ||
        labels[at - stride] !== label || labels[at + stride] !== label;
      if (!isBorder) continue;
      // 2x + y changes along each of the 8 directions a line can take
      const phase = (2 * (x0 + x) + y0 + y) % (4 * dash);
      if (dash === 0 || phase < 2 * dash) pixels[to] = color;
    }
  }
}
