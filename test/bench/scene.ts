/**
 * Labelled scenes of the benchmark: touching, nearly round cells.
 *
 * Cell count is proportional to area, so that cost can be compared over sizes:
 * 388 cells and a quarter of foreground on 1024×1024.
 *
 * @module
 */

/** One case: its size and what lies in it. */
export interface Scene {
  readonly depth: number;
  readonly height: number;
  readonly width: number;
  readonly cells: number;
  /** Radii in pixels, uniformly distributed. */
  readonly radius: readonly [number, number];
  readonly seed: number;
}

const FLAT = { depth: 1, radius: [8, 22] } as const;

/** The cases by name; counts give 25 % foreground. */
export const SCENES: Readonly<Record<string, Scene>> = {
  "512": { ...FLAT, height: 512, width: 512, cells: 97, seed: 1 },
  "1024": { ...FLAT, height: 1024, width: 1024, cells: 388, seed: 2 },
  "2048": { ...FLAT, height: 2048, width: 2048, cells: 1552, seed: 3 },
  "4096": { ...FLAT, height: 4096, width: 4096, cells: 6208, seed: 4 },
  "3d": {
    depth: 64,
    height: 256,
    width: 256,
    cells: 210,
    radius: [7, 15],
    seed: 5,
  },
};

/** One size with more and more cells, for the growth with their number. */
export const CROWDS: Readonly<Record<string, Scene>> = Object.fromEntries(
  [48, 97, 194, 388].map((cells) => [
    `1024 with ${cells} cells`,
    { ...FLAT, height: 1024, width: 1024, cells, seed: 10 + cells },
  ]),
);

/** Share of a new cell's pixels that may already belong to others. */
const MAX_COVERED = 0.1;

/** Mulberry32: uniform numbers in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fill with normally distributed numbers (Box and Muller 1958). */
export function fillNormal(out: Float32Array, random: () => number): void {
  for (let i = 0; i < out.length; i += 2) {
    const length = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    out[i] = length * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = length * Math.sin(angle);
  }
}

interface Cell {
  readonly z: number;
  readonly y: number;
  readonly x: number;
  readonly radius: number;
}

/**
 * Draw a scene's cells.
 *
 * Two of three cells are put against an earlier one; earlier cells cover later
 * ones. A cell is connected, since only its largest part is kept.
 *
 * @returns D×H×W labels, numbered from 1 in order of drawing
 */
export function drawScene(scene: Scene): Int32Array<ArrayBuffer> {
  const { depth, height, width, cells, radius: [smallest, largest] } = scene;
  const random = createRandom(scene.seed);
  const labels = new Int32Array(depth * height * width);
  const placed: Cell[] = [];

  for (let tries = 0; placed.length < cells; tries++) {
    if (tries > 1000 * cells) throw new Error("The scene is too crowded");
    const radius = smallest + random() * (largest - smallest);
    let z = depth === 1 ? 0 : random() * (depth - 1);
    let y = random() * (height - 1);
    let x = random() * (width - 1);
    if (random() < 2 / 3 && placed.length > 0) {
      const other = placed[Math.floor(random() * placed.length)];
      const reach = 0.95 * (other.radius + radius);
      const angle = 2 * Math.PI * random();
      const rise = depth === 1 ? 0 : 2 * random() - 1;
      const flat = Math.sqrt(1 - rise * rise) * reach;
      z = other.z + rise * reach;
      y = other.y + flat * Math.sin(angle);
      x = other.x + flat * Math.cos(angle);
    }
    // no cell is cut off by more than a part of it
    const margin = smallest / 2;
    const isInside = y >= margin && y < height - margin &&
      x >= margin && x < width - margin &&
      (depth === 1 || (z >= margin && z < depth - margin));
    if (!isInside) continue;
    const aspect = 1 + 0.5 * random();
    const turn = Math.PI * random();
    const label = placed.length + 1;
    const cell = { z, y, x, radius };
    if (paintCell(labels, scene, cell, { aspect, turn, label })) {
      placed.push(cell);
    }
  }
  return labels;
}

/** Paint an ellipse (ellipsoid); false, and nothing painted, where it overlaps. */
function paintCell(
  labels: Int32Array,
  { depth, height, width }: Scene,
  cell: Cell,
  shape: { aspect: number; turn: number; label: number },
): boolean {
  const long = cell.radius * Math.sqrt(shape.aspect);
  const short = cell.radius / Math.sqrt(shape.aspect);
  const cos = Math.cos(shape.turn);
  const sin = Math.sin(shape.turn);
  const pixels: number[] = [];
  let total = 0;
  const span = (center: number, reach: number, edge: number) =>
    [
      Math.max(0, Math.ceil(center - reach)),
      Math.min(edge - 1, Math.floor(center + reach)),
    ] as const;
  const [z0, z1] = span(cell.z, cell.radius, depth);
  const [y0, y1] = span(cell.y, long, height);
  const [x0, x1] = span(cell.x, long, width);
  for (let z = z0; z <= z1; z++) {
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const dz = (z - cell.z) / cell.radius;
        const along = ((y - cell.y) * sin + (x - cell.x) * cos) / long;
        const across = ((y - cell.y) * cos - (x - cell.x) * sin) / short;
        if (dz * dz + along * along + across * across > 1) continue;
        total++;
        const at = (z * height + y) * width + x;
        if (labels[at] === 0) pixels.push(at);
      }
    }
  }
  if (pixels.length < (1 - MAX_COVERED) * total) return false;
  const part = largestPart(pixels, height, width);
  if (part.length < (1 - MAX_COVERED) * total) return false;
  for (const at of part) labels[at] = shape.label;
  return true;
}

/** Largest part of a set of pixels that is connected by faces. */
function largestPart(
  pixels: readonly number[],
  height: number,
  width: number,
): number[] {
  const left = new Set(pixels);
  const steps = [1, -1, width, -width, height * width, -height * width];
  let best: number[] = [];
  for (const start of pixels) {
    if (!left.delete(start)) continue;
    const part = [start];
    for (let next = 0; next < part.length; next++) {
      for (const step of steps) {
        const at = part[next] + step;
        if (left.delete(at)) part.push(at);
      }
    }
    if (part.length > best.length) best = part;
  }
  return best;
}
