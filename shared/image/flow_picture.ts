/**
 * Flow fields for people: as colors of a wheel, and as arrows.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { checkLength, type Size2D } from "../ndarray.ts";
import type { Picture } from "./types.ts";

const SIN_60 = Math.sqrt(3) / 2;

/**
 * Draw flows as colors: hue is the direction, brightness the length.
 *
 * Lengths are scaled so that percentile 1 is black and percentile 99 full.
 *
 * @param flows  2×H×W f32 (dY, dX), any scale
 *
 * Source: Cellpose 4.2.1.1 `dx_to_circ`: with θ = atan2(dX, dY) + π a channel
 *   is clip(m·(1 + cos(θ + φ)), 0, 255), φ = 0, 2π/3, 4π/3, m ≤ 127.5.
 * Differs: the cosines come from the vector itself, without trigonometry; a
 *   channel may differ by 1, as shown in `flow_picture.parity.test.ts`.
 */
export function drawFlows(flows: Float32Array, size: Size2D): Picture {
  const { height, width } = size;
  const pixels = height * width;
  checkLength("flows", flows, 2 * pixels);
  const lengths = new Float32Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const [dy, dx] = [flows[i], flows[pixels + i]];
    lengths[i] = Math.sqrt(dy * dy + dx * dx);
  }
  lengths.sort();
  const [low, high] = SHOWN.map((part) => {
    const { below, above, weight } = rankOf(part, pixels);
    return lengths[below] + (lengths[above] - lengths[below]) * weight;
  });
  return { data: colorFlows(flows, [low, high]), height, width };
}

/** Percentiles of lengths that are black and full, as parts of 1. */
export const SHOWN = [0.01, 0.99] as const;

/** Where a percentile lies among sorted values. */
export function rankOf(part: number, count: number) {
  const at = (count - 1) * part;
  const below = Math.floor(at);
  return { below, above: Math.min(below + 1, count - 1), weight: at - below };
}

/**
 * Color flows; see `drawFlows`.
 *
 * @param flows  2×N f32 (dY, dX)
 * @param range  lengths that are black and full
 * @returns      N×3 u8
 */
export function colorFlows(
  flows: Float32Array,
  [low, high]: readonly [low: number, high: number],
): Uint8Array {
  const pixels = flows.length / 2;
  const scale = high - low > 1e-3 ? 1 / (high - low) : 0;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const [dy, dx] = [flows[i], flows[pixels + i]];
    const length = Math.fround(Math.sqrt(dy * dy + dx * dx));
    const m = Math.max(0, Math.min(1, (length - low) * scale)) * 127.5;
    // θ turned by π: cos θ = −dY/|d|, sin θ = −dX/|d|; a zero vector has θ = π
    const by = length > 0 ? length : 1;
    const cos = length > 0 ? -dy / by : -1;
    const sin = -dx / by;
    data[i * 3] = clip(m * (1 + cos));
    data[i * 3 + 1] = clip(m * (1 - cos / 2 - sin * SIN_60));
    data[i * 3 + 2] = clip(m * (1 - cos / 2 + sin * SIN_60));
  }
  return data;
}

/** Settings of `drawArrows`. */
export interface ArrowOptions {
  /** Pixels between arrows; default 4. */
  readonly step?: number;
  /** Length of an arrow for a unit vector, in pixels; default: `step`. */
  readonly length?: number;
  /** Size of a pixel in the SVG; default 4. */
  readonly scale?: number;
  /** URL (as a data: URL of a PNG) of a picture to lie behind. */
  readonly background?: string;
  /** Color of the arrows, CSS; default "#d22". */
  readonly color?: string;
}

/**
 * Draw flows as arrows, in SVG; vectors shorter than 1e-3 are left out.
 *
 * @param flows  2×H×W f32 (dY, dX), unit scale
 * @returns      the SVG document
 * @throws {ArgumentError}
 */
export function drawArrows(
  flows: Float32Array,
  size: Size2D,
  options: ArrowOptions = {},
): string {
  const { step = 4, scale = 4, color = "#d22", background } = options;
  const { length = step } = options;
  const { height, width } = size;
  checkLength("flows", flows, 2 * height * width);
  if (!Number.isInteger(step) || step < 1) {
    throw new ArgumentError("step", `must be an integer ≥ 1, is ${step}`);
  }
  let path = "";
  for (let y = step >> 1; y < height; y += step) {
    for (let x = step >> 1; x < width; x += step) {
      const i = y * width + x;
      const [dy, dx] = [flows[i] * length, flows[height * width + i] * length];
      if (!(dy * dy + dx * dx >= 1e-6 * length * length)) continue;
      path += arrow(y + 0.5, x + 0.5, dy, dx);
    }
  }
  const image = background === undefined
    ? ""
    : `<image href="${background}" width="${width}" height="${height}" style="image-rendering:pixelated"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${
    width * scale
  }" height="${
    height * scale
  }">${image}<path d="${path}" fill="none" stroke="${color}" stroke-width="0.4" stroke-linecap="round"/></svg>\n`;
}

/** A shaft centered on (y, x) and two barbs of a quarter of its length. */
function arrow(y: number, x: number, dy: number, dx: number): string {
  const f = (value: number) => `${Math.round(value * 100) / 100}`;
  const [ty, tx] = [y + dy / 2, x + dx / 2];
  const barb = (side: number) =>
    `${f(tx - (dx - side * dy) / 4)} ${f(ty - (dy + side * dx) / 4)}`;
  return `M${f(x - dx / 2)} ${f(y - dy / 2)}L${f(tx)} ${f(ty)}` +
    `M${barb(1)}L${f(tx)} ${f(ty)}L${barb(-1)}`;
}

function clip(value: number): number {
  return Math.max(0, Math.min(255, Math.floor(value)));
}
