/**
 * Histology: stained nuclei in bright light, on a stroma of any color.
 *
 * @module
 */
import type { Size2D } from "../../../ndarray.ts";
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { square } from "../../shapes.ts";
import { type Kind, MILD, pick } from "../kind.ts";
import { outlineBlob } from "../outlines.ts";
import { soften } from "../planes.ts";
import {
  drawPoint,
  finishSketch,
  forEachInside,
  place,
  type Sketch,
  startSketch,
} from "../sketch.ts";

/** Background, fibers and nuclei, red green blue. */
interface Stain {
  readonly back: readonly number[];
  readonly fiber: readonly number[];
  readonly nucleus: readonly number[];
}

const STAINS: readonly Stain[] = [
  { // on purple
    back: [0.78, 0.7, 0.87],
    fiber: [0.68, 0.58, 0.83],
    nucleus: [0.28, 0.1, 0.64],
  },
  { // on white
    back: [0.85, 0.86, 0.86],
    fiber: [0.76, 0.72, 0.8],
    nucleus: [0.47, 0.15, 0.54],
  },
  { // hematoxylin and eosin
    back: [0.92, 0.78, 0.87],
    fiber: [0.85, 0.5, 0.68],
    nucleus: [0.36, 0.24, 0.55],
  },
];

/** Histology. */
export const histology: Kind = {
  diameter: [12, 46],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    scatterNuclei(random, sketch, diameter, random.between(0.08, 0.75));
    const cells = finishSketch(random, sketch);
    const { labels, depth, tints } = cells;

    const stain = vary(random, pick(random, STAINS));
    const fibers = smoothNoise(random, size, random.between(8, 30));
    const wisps = smoothNoise(random, size, 4);
    const clumps = smoothNoise(random, size, Math.max(2.5, diameter / 8));
    const clumping = random.between(0.1, 0.8);
    const ghosts = drawGhosts(random, size, diameter);
    const fade = random.between(0, 0.7);
    const amount = random.between(0.2, 1);
    const planes = [0, 1, 2].map((c) =>
      depth.map((d, i) => {
        const stripe = amount * (0.7 * fibers[i] + 0.3 * wisps[i]);
        const ground = stain.back[c] +
          (stain.fiber[c] - stain.back[c]) * stripe;
        const nucleus = stain.nucleus[c];
        if (d === 0) return ground + (nucleus - ground) * ghosts[i];
        const rim = 0.25 / (1 + square(d / 1.5));
        const share = 1 - fade * tints[labels[i]] + rim +
          clumping * (clumps[i] - 0.6);
        return ground + (nucleus - ground) * Math.max(0.25, share);
      })
    );
    const faults = { ...MILD, blur: [0.5, 1 + diameter / 25] } as const;
    return { cells, planes, faults };
  },
};

/** Nuclei crowd where a field is high. */
function scatterNuclei(
  random: Random,
  sketch: Sketch,
  diameter: number,
  share: number,
): void {
  const { size } = sketch;
  const count = share * size.height * size.width / square(diameter);
  const crowd = smoothNoise(random, size, diameter * 4);
  const crowding = random.uniform();
  const aspect = random.between(1.1, 3.2);
  const common = random.direction();
  const isAligned = random.uniform() < 0.4;
  const leastFree = random.between(0.75, 0.98);
  for (let k = 0, placed = 0; k < 8 * count + 4 && placed < count; k++) {
    const center = drawPoint(random, size, diameter / 4);
    const y = Math.max(0, Math.min(size.height - 1, Math.floor(center[0])));
    const x = Math.max(0, Math.min(size.width - 1, Math.floor(center[1])));
    if (crowd[y * size.width + x] < crowding * 0.6) continue;
    const [uy, ux] = random.direction();
    const v = common[0] + 0.3 * uy;
    const u = common[1] + 0.3 * ux;
    const length = Math.sqrt(v * v + u * u);
    const nucleus = outlineBlob(random, {
      center,
      radius: diameter / 2 * random.between(0.65, 1.3),
      aspect: random.between(1, aspect),
      direction: isAligned ? [v / length, u / length] : [uy, ux],
      roughness: random.between(0.02, 0.16),
    });
    if (place(sketch, nucleus, leastFree)) placed++;
  }
}

/** Nuclei out of focus, which are no cells: how much of their color, H×W. */
function drawGhosts(
  random: Random,
  size: Size2D,
  diameter: number,
): Float32Array {
  const plane = new Float32Array(size.height * size.width);
  const count = random.below(1 + Math.ceil(plane.length / 12000));
  for (let k = 0; k < count; k++) {
    const ghost = outlineBlob(random, {
      center: drawPoint(random, size),
      radius: diameter / 2 * random.between(0.6, 1.3),
      aspect: random.between(1, 2),
      direction: random.direction(),
      roughness: 0.1,
    });
    const level = random.between(0.15, 0.4);
    forEachInside(ghost, size, (i) => plane[i] = level);
  }
  return soften(plane, size, Math.max(2, diameter * 0.15));
}

function vary(random: Random, stain: Stain): Stain {
  const move = (color: readonly number[], by: number) =>
    color.map((value) => Math.max(0.05, value + random.between(-by, by)));
  return {
    back: move(stain.back, 0.06),
    fiber: move(stain.fiber, 0.08),
    nucleus: move(stain.nucleus, 0.08),
  };
}
