/**
 * Fields over an image that rendering and the classical baseline need:
 * distance, smooth random texture, blur.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { Random } from "./random.ts";

/**
 * Distance of each pixel to the nearest pixel of a set, by steps to the eight
 * neighbors (1 and √2): at most 8 % too long.
 *
 * @param isTarget  whether a pixel belongs to the set
 * @returns         H×W f32; Infinity where the set is empty
 *
 * Source: Borgefors 1986, chamfer distance in two passes.
 */
export function distanceTo(
  isTarget: (pixel: number) => boolean,
  { height, width }: Size2D,
): Float32Array {
  const out = new Float32Array(height * width);
  for (let i = 0; i < out.length; i++) out[i] = isTarget(i) ? 0 : Infinity;
  const pass = (y: number, x: number, back: number) => {
    const i = y * width + x;
    const take = (dy: number, dx: number, step: number) => {
      const [v, u] = [y + dy * back, x + dx * back];
      if (v < 0 || u < 0 || v >= height || u >= width) return;
      out[i] = Math.min(out[i], out[v * width + u] + step);
    };
    take(0, -1, 1);
    take(-1, -1, Math.SQRT2);
    take(-1, 0, 1);
    take(-1, 1, Math.SQRT2);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pass(y, x, 1);
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) pass(y, x, -1);
  }
  return out;
}

/**
 * Smooth random field in [0, 1]: random values on a lattice, interpolated.
 *
 * @param grain  spacing of the lattice, pixels
 */
export function smoothNoise(
  random: Random,
  { height, width }: Size2D,
  grain: number,
): Float32Array {
  const columns = Math.ceil(width / grain) + 2;
  const rows = Math.ceil(height / grain) + 2;
  const lattice = Float32Array.from(
    { length: rows * columns },
    () => random.uniform(),
  );
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / grain);
    const ty = ease(y / grain - row);
    for (let x = 0; x < width; x++) {
      const column = Math.floor(x / grain);
      const tx = ease(x / grain - column);
      const at = row * columns + column;
      const above = lattice[at] + (lattice[at + 1] - lattice[at]) * tx;
      const below = lattice[at + columns] +
        (lattice[at + columns + 1] - lattice[at + columns]) * tx;
      out[y * width + x] = above + (below - above) * ty;
    }
  }
  return out;
}

/**
 * Blur in place, one plane, with edges repeated: (1, 2, 1)/4 along each axis,
 * as often as its variance of ½ needs to reach that of `sigma`.
 *
 * @param sigma  standard deviation, pixels
 */
export function blur(
  plane: Float32Array,
  { height, width }: Size2D,
  sigma: number,
): void {
  const passes = Math.round(2 * sigma * sigma);
  for (let k = 0; k < passes; k++) {
    for (let y = 0; y < height; y++) blurLine(plane, y * width, 1, width);
    for (let x = 0; x < width; x++) blurLine(plane, x, width, height);
  }
}

function blurLine(
  plane: Float32Array,
  start: number,
  stride: number,
  length: number,
): void {
  let before = plane[start];
  for (let i = 0; i < length; i++) {
    const at = start + i * stride;
    const here = plane[at];
    const after = i + 1 < length ? plane[at + stride] : here;
    plane[at] = (before + 2 * here + after) / 4;
    before = here;
  }
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}
