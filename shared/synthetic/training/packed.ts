/**
 * Cells that fill their space: colonies of parallel rods, tissues.
 *
 * @module
 */
import { smoothNoise } from "../fields.ts";
import type { Random } from "../random.ts";
import { square } from "../shapes.ts";
import type { Point } from "./outlines.ts";
import { drawPoint, type Sketch } from "./sketch.ts";

/** A colony of rods. */
export interface RodPacking {
  /** Across, pixels. */
  readonly width: number;
  /** Mean length, pixels. */
  readonly length: number;
  /** Free pixels between neighbors, 0 where they touch. */
  readonly gap: number;
  /** Groups of one direction each. */
  readonly groups: number;
  /** Part of the image that the colony may cover, as a field to be above 0. */
  readonly isInside: (pixel: number) => boolean;
}

/**
 * Fill a sheet with rods that lie side by side in rows, each row cut into
 * cells, the rows bent by a smooth warp. A cell stays where most of it is in
 * view and inside.
 */
export function packRods(random: Random, sketch: Sketch, rods: RodPacking) {
  const { size, ids } = sketch;
  const { width, length, gap } = rods;
  const warp = [0, 1].map(() => smoothNoise(random, size, 6 * width));
  const groups = Array.from({ length: rods.groups }, () => ({
    at: drawPoint(random, size),
    direction: random.direction(),
  }));
  const salt = random.below(2 ** 31);
  const half = (width - gap) / 2;
  const numbers = new Map<number, number>();
  const areas: number[] = [0];
  const inside: number[] = [0];
  let [lastKey, lastId] = [-1, 0];
  for (let y = 0, i = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++, i++) {
      const v = y + 1.8 * width * (warp[0][i] - 0.5);
      const u = x + 1.8 * width * (warp[1][i] - 0.5);
      const g = findNearest(groups, v, u);
      const { at, direction: [uy, ux] } = groups[g];
      const along = (v - at[0]) * uy + (u - at[1]) * ux;
      const across = (u - at[1]) * uy - (v - at[0]) * ux;
      const row = Math.floor(across / width);
      const beside = across - (row + 0.5) * width;
      // ends of a row's cells: multiples of the length, each moved by its hash
      const period = length + gap;
      const shift = hash(salt, g, row) * period;
      const end = (k: number) =>
        (k + 0.35 * (2 * hash(salt + 1 + g, row, k) - 1)) * period + shift;
      let k = Math.floor((along - shift) / period);
      if (along >= end(k + 1)) k++;
      else if (along < end(k)) k--;
      const [from, to] = [end(k) + gap / 2, end(k + 1) - gap / 2];
      const beyond = Math.max(0, from + half - along, along - to + half);
      if (beyond * beyond + beside * beside > half * half) continue;
      const key = ((row + 2048) * 4096 + k + 2048) * 64 + g;
      if (key !== lastKey) {
        lastKey = key;
        lastId = numbers.get(key) ?? areas.length;
        if (lastId === areas.length) {
          numbers.set(key, lastId);
          areas.push(0);
          inside.push(0);
        }
      }
      areas[lastId]++;
      if (rods.isInside(i)) inside[lastId]++;
      ids[i] = lastId;
    }
  }
  sketch.count = areas.length - 1;
  const least = 0.45 * length * 2 * half;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (inside[id] < 0.6 * areas[id] || areas[id] < least) ids[i] = 0;
  }
}

/** A tissue without gaps. */
export interface Mosaic {
  /** Mean diameter of its cells, pixels. */
  readonly diameter: number;
  /** Irregularity of the cells' places, 0 (hexagons) to 1. */
  readonly jitter: number;
  /** Waviness of the borders, 0–1. */
  readonly wave: number;
}

/** Fill a sheet with cells: each pixel belongs to the nearest of many seeds. */
export function fillMosaic(
  random: Random,
  sketch: Sketch,
  { diameter, jitter, wave }: Mosaic,
): void {
  const { size: { height, width }, ids } = sketch;
  // a hexagonal lattice whose cells have the area of the diameter
  const step = diameter * 0.952;
  const rise = step * 0.866;
  const columns = Math.ceil(width / step) + 6;
  const rows = Math.ceil(height / rise) + 6;
  const seeds = new Float64Array(rows * columns * 3);
  for (let k = 0; k < rows * columns; k++) {
    const [row, column] = [Math.floor(k / columns), k % columns];
    const move = () => jitter * random.between(-0.5, 0.5);
    seeds[3 * k] = (row - 2.5 + move()) * rise;
    seeds[3 * k + 1] = (column - 2.5 + row % 2 / 2 + move()) * step;
    // some cells are bigger: their seeds seem nearer
    seeds[3 * k + 2] = square(jitter * random.uniform() * step * 0.45);
  }
  const bend = [0, 1].map(() =>
    smoothNoise(random, sketch.size, Math.max(4, diameter / 2))
  );
  const amount = wave * diameter * 0.5;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const v = y + amount * (bend[0][i] - 0.5);
      const u = x + amount * (bend[1][i] - 0.5);
      const row = Math.floor(v / rise + 2.5);
      const column = Math.floor(u / step + 2.5);
      let [best, id] = [Infinity, 0];
      for (let r = row - 1; r <= row + 2; r++) {
        for (let c = column - 2; c <= column + 2; c++) {
          if (r < 0 || c < 0 || r >= rows || c >= columns) continue;
          const k = 3 * (r * columns + c);
          const dy = v - seeds[k];
          const dx = u - seeds[k + 1];
          const away = dy * dy + dx * dx - seeds[k + 2];
          if (away < best) [best, id] = [away, r * columns + c + 1];
        }
      }
      ids[i] = id;
    }
  }
  sketch.count = rows * columns;
}

function findNearest(groups: readonly { at: Point }[], y: number, x: number) {
  let [best, nearest] = [Infinity, 0];
  for (let g = 0; g < groups.length; g++) {
    const { at } = groups[g];
    const away = square(y - at[0]) + square(x - at[1]);
    if (away < best) [best, nearest] = [away, g];
  }
  return nearest;
}

/** In [0, 1), of three integers. */
function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ h >>> 15 ^ Math.imul(c, 0xc2b2ae35), 0x27d4eb2f);
  h = Math.imul(h ^ h >>> 13, 0x165667b1);
  return ((h ^ h >>> 16) >>> 0) / 2 ** 32;
}
