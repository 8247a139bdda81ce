/**
 * Red cells of a blood smear: discs, pale in the middle, some overlapping.
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import { square } from "../../shapes.ts";
import { addDust } from "../camera.ts";
import { type Kind, MILD } from "../kind.ts";
import { outlineBlob } from "../outlines.ts";
import { drawPoint, finishSketch, place, startSketch } from "../sketch.ts";

/** Blood smears. */
export const blood: Kind = {
  diameter: [24, 52],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const room = size.height * size.width / square(diameter);
    const count = Math.ceil(room * random.between(0.15, 0.8));
    const vary = random.between(0.02, 0.3);
    const oval = random.between(1.05, 2.4);
    const rough = random.between(0, 0.1);
    const leastFree = random.between(0.75, 1);
    for (let k = 0, placed = 0; k < 5 * count && placed < count; k++) {
      const isOdd = random.uniform() < 0.1;
      const cell = outlineBlob(random, {
        center: drawPoint(random, size, diameter / 3),
        radius: diameter / 2 * random.between(1 - vary, 1 + vary / 2),
        aspect: random.between(1, isOdd ? 2.2 : oval),
        direction: random.direction(),
        roughness: isOdd ? 0.2 : rough,
      });
      if (place(sketch, cell, leastFree)) placed++;
    }
    const cells = finishSketch(random, sketch);
    const { labels, depth, depths, distance, tints } = cells;

    const brightness = random.between(0.5, 0.95);
    const back = [0, 1, 2].map(() => brightness * random.between(0.78, 1.02));
    const density = random.between(0.25, 0.6);
    // hemoglobin and eosin take green, then blue
    const takes = [random.between(0.2, 0.75), 1, random.between(0.45, 1)];
    const pale = random.between(0, 0.85);
    const rim = random.between(0, 0.5);
    const fringe = random.between(0, 0.12);
    const fine = smoothNoise(random, size, 5);
    const planes = back.map((light, c) =>
      depth.map((d, i) => {
        if (d === 0) {
          const outside = fringe / (1 + square(distance[i] - 1.5));
          return light * (1 + outside + 0.03 * (fine[i] - 0.5));
        }
        const label = labels[i];
        // how far in, 0 at the rim to 1 in the middle
        const inner = Math.min(1, d / (0.9 * depths[label]));
        const hollow = pale * (0.4 + 0.9 * tints[label]) *
          square(Math.max(0, inner - 0.25));
        const edge = rim / (1 + square(d));
        const takenHere = density * takes[c] * (0.8 + 0.4 * tints[label]) *
          (1 - Math.min(0.95, hollow) + edge + 0.08 * (fine[i] - 0.5));
        return light * (1 - Math.min(0.95, takenHere));
      })
    );
    // platelets, and stain that dried
    addDust(random, planes, {
      size,
      count: random.below(8),
      range: [1, diameter / 8],
      to: [0.35, 0.2, 0.5],
    });
    return { cells, planes, faults: MILD };
  },
};
