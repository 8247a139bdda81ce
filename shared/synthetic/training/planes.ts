/**
 * Fast fields over an image for training scenes: depth in cells, wide blur,
 * noise. Only + − × ÷, √ and integers, as everywhere in this folder.
 *
 * @module
 */
import type { Size2D } from "../../ndarray.ts";
import { blur } from "../fields.ts";
import type { Random } from "../random.ts";

/** Distances at every pixel, H×W f32, pixels. */
export interface Distances {
  /** From the pixel to its label's outline; ½ on it, 0 in the background. */
  readonly depth: Float32Array;
  /** To the nearest label; 0 inside. */
  readonly distance: Float32Array;
}

/** Farther than any pixel of an image, and finite: sums of it stay numbers. */
const FAR = 1e6;

/**
 * Measure how deep and how far from labels each pixel lies.
 *
 * @param labels  H×W, 0 = background
 *
 * Source: Borgefors 1986, chamfer distance in two passes.
 */
export function measureDistances(
  labels: Uint32Array,
  size: Size2D,
): Distances {
  const { height, width } = size;
  const depth = new Float32Array(labels.length);
  const distance = new Float32Array(labels.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = labels[i];
      distance[i] = label > 0 ? 0 : FAR;
      const isInner = label > 0 && (x === 0 || labels[i - 1] === label) &&
        (x === width - 1 || labels[i + 1] === label) &&
        (y === 0 || labels[i - width] === label) &&
        (y === height - 1 || labels[i + width] === label);
      depth[i] = isInner ? FAR : 0;
    }
  }
  chamfer(depth, size);
  chamfer(distance, size);
  for (let i = 0; i < labels.length; i++) if (labels[i] > 0) depth[i] += 0.5;
  return { depth, distance };
}

/** From zeros outward, in place. */
function chamfer(out: Float32Array, { height, width }: Size2D): void {
  for (const back of [1, -1]) {
    const first = back > 0 ? 0 : out.length - 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = first + back * (y * width + x);
        let best = out[i];
        if (best === 0) continue;
        if (x > 0) best = Math.min(best, out[i - back] + 1);
        if (y > 0) {
          const above = i - back * width;
          best = Math.min(best, out[above] + 1);
          if (x > 0) best = Math.min(best, out[above - back] + Math.SQRT2);
          if (x < width - 1) {
            best = Math.min(best, out[above + back] + Math.SQRT2);
          }
        }
        out[i] = best;
      }
    }
  }
}

/**
 * Blur by any width in constant time a pixel, edges repeated.
 *
 * @param sigma  standard deviation, pixels; wide ones become three boxes
 * @returns      a new plane
 */
export function soften(
  plane: Float32Array,
  size: Size2D,
  sigma: number,
): Float32Array {
  const out = plane.slice();
  if (sigma < 1.5) {
    blur(out, size, sigma);
    return out;
  }
  // three boxes of 2r + 1 have the variance r·(r + 1)
  const radius = Math.round((Math.sqrt(1 + 4 * sigma * sigma) - 1) / 2);
  const { height, width } = size;
  const line = new Float32Array(Math.max(height, width));
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < 3; k++) box(out, line, [y * width, 1, width], radius);
  }
  for (let x = 0; x < width; x++) {
    for (let k = 0; k < 3; k++) box(out, line, [x, width, height], radius);
  }
  return out;
}

function box(
  plane: Float32Array,
  line: Float32Array,
  [start, stride, length]: readonly [number, number, number],
  radius: number,
): void {
  for (let k = 0; k < length; k++) line[k] = plane[start + k * stride];
  const last = length - 1;
  let sum = 0;
  for (let k = -radius; k <= radius; k++) {
    sum += line[Math.max(0, Math.min(last, k))];
  }
  for (let k = 0; k < length; k++) {
    plane[start + k * stride] = sum / (2 * radius + 1);
    sum += line[Math.min(last, k + radius + 1)] -
      line[Math.max(0, k - radius)];
  }
}

/** Noise of mean 0 and deviation 1, near normal: sums of four. */
export function drawNoise(random: Random, length: number): Float32Array {
  const out = new Float32Array(length);
  let state = random.below(0xffffffff) + 1 | 0;
  const step = () => {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state & 0xffff) + (state >>> 16);
  };
  // four uniform 16-bit numbers: mean 131070, variance 4/12 of their range
  const scale = Math.sqrt(3) / 65536;
  for (let i = 0; i < length; i++) {
    const first = step();
    out[i] = (first + step() - 131070) * scale;
  }
  return out;
}
