/**
 * Tissue stained for membrane (red), cytoplasm (green) and nucleus (blue).
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import { square } from "../../shapes.ts";
import type { Kind } from "../kind.ts";
import { fillMosaic } from "../packed.ts";
import { soften } from "../planes.ts";
import { finishSketch, startSketch } from "../sketch.ts";

/** Tissue in three stains: red membrane, green cytoplasm, blue nucleus. */
export const tissue: Kind = {
  diameter: [14, 30],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    fillMosaic(random, sketch, {
      diameter,
      jitter: random.between(0.6, 1),
      wave: random.between(0.1, 0.5),
    });
    // holes where there is no tissue
    const presence = smoothNoise(random, size, random.between(40, 120));
    const bound = random.between(0.1, 0.55);
    const votes = new Int32Array(sketch.count + 1);
    sketch.ids.forEach((id, i) => votes[id] += presence[i] > bound ? 1 : -1);
    for (let i = 0; i < sketch.ids.length; i++) {
      if (votes[sketch.ids[i]] < 0) sketch.ids[i] = 0;
    }
    const cells = finishSketch(random, sketch);
    const { labels, depth, depths, tints } = cells;

    // which stain a cell takes: by and by chance
    const zones = [0, 1].map(() => smoothNoise(random, size, 60));
    const chance = [0, 1, 2].map(() => tints.map(() => random.uniform()));
    const fine = smoothNoise(random, size, 3);
    const gains = [
      random.between(0.3, 1),
      random.between(0.2, 0.7),
      random.between(0.4, 0.8),
    ];
    const red = depth.map((d, i) =>
      d === 0 ? 0 : gains[0] *
        Math.max(0, zones[0][i] + chance[0][labels[i]] - 0.95) * 2.5 /
        (1 + square(d / 1.2)) * (0.5 + fine[i])
    );
    const green = depth.map((d, i) =>
      d === 0 ? 0 : gains[1] *
        Math.max(0.1, zones[1][i] + chance[1][labels[i]] - 0.8) *
        (0.6 + 0.4 / (1 + d)) * (0.6 + 0.8 * fine[i])
    );
    const rim = random.between(0.15, 0.5);
    const blue = depth.map((d, i) => {
      const core = depths[labels[i]] * rim;
      return d <= core
        ? 0.02
        : gains[2] * (0.35 + 0.65 * chance[2][labels[i]]) *
          (0.7 + 0.6 * fine[i]);
    });
    const planes = [red, green, blue].map((plane) => {
      const haze = soften(plane, size, diameter * 0.4);
      return plane.map((value, i) => 0.01 + value + 0.35 * haze[i]);
    });
    const faults = {
      blur: [0.6, 2.4],
      noise: [0.01, 0.06],
      shade: [0, 0.3],
    } as const;
    return { cells, planes, faults };
  },
};
