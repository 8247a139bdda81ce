/**
 * Cytology: dark nuclei in gray cytoplasm, in bright light.
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import { square } from "../../shapes.ts";
import { addDust } from "../camera.ts";
import { type Kind, MILD } from "../kind.ts";
import { outlineBlob } from "../outlines.ts";
import {
  drawPoint,
  finishSketch,
  forEachInside,
  place,
  startSketch,
} from "../sketch.ts";

/** Cytology in gray: labels are the nuclei. */
export const cytology: Kind = {
  diameter: [10, 26],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const back = random.between(0.82, 0.95);
    const plane = new Float32Array(size.height * size.width).fill(back);
    const texture = smoothNoise(random, size, 4);
    const folds = smoothNoise(random, size, 14);
    const area = size.height * size.width / square(4.5 * diameter);
    const count = Math.ceil(area * random.between(0.2, 1.3));
    for (let k = 0; k < count; k++) {
      const center = drawPoint(random, size, diameter);
      const radius = diameter * random.between(1.6, 2.9);
      const body = outlineBlob(random, {
        center,
        radius,
        aspect: random.between(1, 1.8),
        direction: random.direction(),
        roughness: random.between(0.08, 0.25),
      });
      const lets = random.between(0.68, 0.93);
      const rough = random.between(0.05, 0.3);
      // where cytoplasm lies on cytoplasm it is darker
      forEachInside(body, size, (i) => {
        const crease = folds[i] > 0.47 && folds[i] < 0.53 ? 0.06 : 0;
        plane[i] *= lets - crease + rough * (texture[i] - 0.5);
      });
      if (random.uniform() < 0.12) continue;
      const nucleus = outlineBlob(random, {
        center: [
          center[0] + radius * random.between(-0.3, 0.3),
          center[1] + radius * random.between(-0.3, 0.3),
        ],
        radius: diameter / 2 * random.between(0.75, 1.25),
        aspect: random.between(1, 1.9),
        direction: random.direction(),
        roughness: random.between(0.02, 0.1),
      });
      place(sketch, nucleus, 0.95);
    }
    addDust(random, [plane], {
      size,
      count: random.below(14),
      range: [1, diameter / 6],
      to: [0.3],
    });
    const cells = finishSketch(random, sketch);
    const { labels, depth, tints } = cells;
    const dark = random.between(0.3, 0.5);
    const drawn = plane.map((value, i) => {
      const d = depth[i];
      if (d === 0) return value;
      const lets = dark + 0.3 * tints[labels[i]] + 0.25 * (texture[i] - 0.5) -
        0.12 / (1 + square(d / 1.5));
      return value * Math.max(0.15, lets);
    });
    const faults = { ...MILD, noise: [0.003, 0.02] } as const;
    return { cells, planes: [drawn], faults };
  },
};
