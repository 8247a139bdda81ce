/**
 * Fluorescent nuclei, dense or sparse, dim or bright, sharp or not.
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import { square } from "../../shapes.ts";
import { addDust } from "../camera.ts";
import type { Kind } from "../kind.ts";
import { outlineBlob, type Point } from "../outlines.ts";
import { soften } from "../planes.ts";
import { drawPoint, finishSketch, place, startSketch } from "../sketch.ts";

/** Nuclei, dense or sparse, dim or bright, sharp or not. */
export const nuclei: Kind = {
  diameter: [9, 52],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const share = 0.04 + 0.8 * square(random.uniform());
    const count = share * size.height * size.width / square(diameter);
    const aspect = random.between(1.1, 2.4);
    const clumping = random.uniform() * 0.8;
    const rough = random.between(0.02, 0.14);
    const vary = random.between(0.1, 0.45);
    const leastFree = random.between(0.7, 0.98);
    const centers: Point[] = [];
    for (let k = 0; k < 6 * count + 6 && centers.length <= count; k++) {
      let center = drawPoint(random, size, diameter / 4);
      if (centers.length > 0 && random.uniform() < clumping) {
        const near = centers[random.below(centers.length)];
        const [uy, ux] = random.direction();
        const away = diameter * random.between(0.75, 1.2);
        center = [near[0] + away * uy, near[1] + away * ux];
      }
      const nucleus = outlineBlob(random, {
        center,
        radius: diameter / 2 * random.between(1 - vary, 1 + vary),
        aspect: random.between(1, aspect),
        direction: random.direction(),
        roughness: rough,
      });
      if (place(sketch, nucleus, leastFree)) centers.push(center);
    }
    const cells = finishSketch(random, sketch);
    const { labels, depth, tints } = cells;

    const gain = random.between(0.08, 0.9);
    const spread = random.uniform();
    const clumps = smoothNoise(random, size, Math.max(2.5, diameter / 6));
    const texture = random.between(0.1, 1);
    const flat = diameter * random.between(0.02, 0.15);
    const plane = depth.map((d, i) => {
      if (d === 0) return 0;
      const level = 1 - spread * 0.85 * tints[labels[i]];
      return gain * level * (0.35 + 0.65 * d / (d + flat)) *
        (1 + texture * (clumps[i] - 0.5));
    });
    const haze = soften(plane, size, diameter * random.between(0.3, 1.5));
    const hazy = random.uniform() < 0.5 ? 0 : random.between(0, 0.6);
    const uneven = smoothNoise(random, size, random.between(50, 150));
    const ground = random.between(0.01, 0.15);
    const unevenness = random.uniform() < 0.4 ? 0.15 * gain : 0.02;
    const lit = plane.map((value, i) =>
      ground + value + hazy * haze[i] + unevenness * uneven[i]
    );
    if (random.uniform() < 0.3) {
      addDust(random, [lit], {
        size,
        count: random.below(10),
        range: [0.8, diameter / 8],
        to: [gain],
      });
    }
    const faults = {
      blur: [0.3, 0.6 + diameter * 0.05],
      noise: [0.003, 0.08],
      shade: [0, 0.5],
    } as const;
    return { cells, planes: [lit], faults };
  },
};
