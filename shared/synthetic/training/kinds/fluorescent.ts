/**
 * Light from within on a dark ground: nuclei, neurons' bodies, tissue stained
 * for membrane, cytoplasm and nucleus.
 *
 * @module
 */
import type { Size2D } from "../../../ndarray.ts";
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { square } from "../../shapes.ts";
import { addDust } from "../camera.ts";
import type { Kind } from "../kind.ts";
import { outlineBlob, outlineTube, type Point } from "../outlines.ts";
import { fillMosaic } from "../packed.ts";
import { soften } from "../planes.ts";
import {
  drawPoint,
  finishSketch,
  forEachInside,
  place,
  startSketch,
} from "../sketch.ts";

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

/** Bodies of neurons in one color, few and granular, with processes. */
export const neurons: Kind = {
  diameter: [24, 75],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const ground = smoothNoise(random, size, diameter);
    const plane = ground.map((value) => 0.01 + 0.06 * value);
    const room = size.height * size.width / square(diameter);
    const count = Math.ceil(room * random.between(0.02, 0.3));
    for (let k = 0; k < count; k++) {
      const center = drawPoint(random, size, diameter / 4);
      place(
        sketch,
        outlineBlob(random, {
          center,
          radius: diameter / 2 * random.between(0.7, 1.2),
          aspect: random.between(1, 2),
          direction: random.direction(),
          roughness: random.between(0.05, 0.2),
        }),
      );
      drawProcesses(random, plane, { size, diameter, center });
    }
    const cells = finishSketch(random, sketch);
    const { labels, depth, tints } = cells;
    const grains = smoothNoise(random, size, random.between(2, 6));
    const granular = random.between(0.2, 1);
    const gain = random.between(0.25, 0.9);
    const soft = diameter * random.between(0.03, 0.15);
    const body = depth.map((d, i) =>
      d === 0 ? 0 : gain * (0.4 + 0.6 * tints[labels[i]]) * d / (d + soft) *
        (1 + granular * (grains[i] - 0.5))
    );
    const haze = soften(body, size, diameter * 0.5);
    const hazy = random.between(0, 0.4);
    const lit = plane.map((value, i) => value + body[i] + hazy * haze[i]);
    const color = random.uniform() < 0.5
      ? [1, random.between(0.6, 0.95), 0.02]
      : [1, 0.02, 0.02];
    const planes = color.map((share) => lit.map((value) => share * value));
    const faults = {
      blur: [0.5, 2.5],
      noise: [0.005, 0.04],
      shade: [0, 0.3],
    } as const;
    return { cells, planes, faults };
  },
};

/** Thin, dim, no cells. */
function drawProcesses(
  random: Random,
  plane: Float32Array,
  { size, diameter, center }: { size: Size2D; diameter: number; center: Point },
): void {
  const level = random.between(0.02, 0.15);
  for (let k = random.below(4); k > 0; k--) {
    const [uy, ux] = random.direction();
    const length = diameter * random.between(0.5, 2.5);
    const [ay, ax] = random.direction();
    const bend = length * 0.3;
    const tube = outlineTube(
      [
        center,
        [
          center[0] + 0.5 * length * uy + bend * ay,
          center[1] + 0.5 * length * ux + bend * ax,
        ],
        [center[0] + length * uy, center[1] + length * ux],
      ],
      [diameter * 0.06, diameter * 0.04, 1],
    );
    forEachInside(tube, size, (i) => plane[i] += level);
  }
}

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

    // which stain a cell takes: by place, and by chance
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
    const blue = depth.map((d, i) => {
      const core = depths[labels[i]] * 0.3;
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
      blur: [0.6, 1.8],
      noise: [0.01, 0.06],
      shade: [0, 0.3],
    } as const;
    return { cells, planes, faults };
  },
};
