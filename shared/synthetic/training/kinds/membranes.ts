/**
 * Tissues seen by their membranes or cell walls: every pixel is a cell's.
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import { square } from "../../shapes.ts";
import type { Kind } from "../kind.ts";
import { fillMosaic } from "../packed.ts";
import { drawNoise, soften } from "../planes.ts";
import { drawPoint, finishSketch, startSketch } from "../sketch.ts";

/** Epithelia and plant tissue. */
export const membranes: Kind = {
  diameter: [14, 64],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    fillMosaic(random, sketch, {
      diameter,
      jitter: random.between(0.3, 1),
      wave: random.between(0, 0.5),
    });
    // vessels: some cells much bigger than the others
    const vessels = random.uniform() < 0.25 ? 1 + random.below(4) : 0;
    for (let k = 0; k < vessels; k++) {
      const [cy, cx] = drawPoint(random, size);
      const radius = diameter * random.between(1, 2.5);
      const id = ++sketch.count;
      for (let i = 0; i < sketch.ids.length; i++) {
        const [y, x] = [Math.floor(i / size.width), i % size.width];
        if (square(y - cy) + square(x - cx) < square(radius)) {
          sketch.ids[i] = id;
        }
      }
    }
    // beyond the tissue's edge there is nothing
    const edge = smoothNoise(random, size, random.between(80, 200));
    const bound = random.uniform() < 0.3 ? random.between(0.2, 0.45) : -1;
    const whole = finishSketch(random, sketch);
    const kept = keepWithin(whole.labels, whole.count, (i) => edge[i] > bound);
    const cells = finishSketch(random, {
      size,
      ids: kept,
      count: whole.count,
    });

    const { labels, depth, distance, tints } = cells;
    const width = random.between(0.6, Math.max(1.2, diameter * 0.09));
    const level = random.between(0.3, 0.95);
    const inside = random.uniform() < 0.5 ? 0.02 : random.between(0.02, 0.3);
    const patches = smoothNoise(random, size, diameter);
    const fine = smoothNoise(random, size, 2.5);
    const breaks = random.between(0, 0.8);
    const speckle = soften(drawNoise(random, depth.length), size, 0.7);
    const speckles = random.between(0, 0.12);
    const plane = depth.map((d, i) => {
      const away = d > 0 ? d : distance[i];
      const wall = level / (1 + square(square(away / (width + 0.6))));
      const strength = 1 - breaks * fine[i] * 0.8 + 0.5 * (patches[i] - 0.5);
      const lumen = d > 0 ? inside * (0.3 + tints[labels[i]]) : 0;
      return 0.02 + wall * strength + lumen * (0.5 + fine[i]) +
        speckles * Math.max(0, speckle[i]);
    });
    // some stains are dark on bright
    const isDark = random.uniform() < 0.12;
    const planes = [isDark ? plane.map((value) => 0.9 - 0.8 * value) : plane];
    const faults = {
      blur: [0.3, Math.max(0.8, diameter * 0.045)],
      noise: [0.01, 0.1],
      shade: [0, 0.4],
    } as const;
    return { cells, planes, faults };
  },
};

/** Labels of which at least half lies within; the others become 0. */
function keepWithin(
  labels: Uint32Array,
  count: number,
  isWithin: (pixel: number) => boolean,
): Uint32Array {
  const within = new Int32Array(count + 1);
  labels.forEach((label, i) => within[label] += isWithin(i) ? 1 : -1);
  return labels.map((label) => within[label] >= 0 ? label : 0);
}
