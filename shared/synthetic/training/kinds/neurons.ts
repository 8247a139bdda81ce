/**
 * Neurons in tissue: few bright bodies in one color, with processes.
 *
 * @module
 */
import type { Size2D } from "../../../ndarray.ts";
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { square } from "../../shapes.ts";
import type { Kind } from "../kind.ts";
import { outlineBlob, outlineTube, type Point } from "../outlines.ts";
import { soften } from "../planes.ts";
import {
  drawPoint,
  finishSketch,
  forEachInside,
  place,
  startSketch,
} from "../sketch.ts";

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
