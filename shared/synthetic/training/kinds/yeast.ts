/**
 * Budding yeast: mothers with buds, in colonies, sparse, between trap walls.
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { square } from "../../shapes.ts";
import { addDust } from "../camera.ts";
import { type Kind, MILD, pick } from "../kind.ts";
import { outlineBlob, outlineTube, type Point } from "../outlines.ts";
import { drawRings, measureThickness, showPhase } from "../phase.ts";
import {
  type Cells,
  drawPoint,
  finishSketch,
  forEachInside,
  place,
  type Sketch,
  startSketch,
} from "../sketch.ts";

/** Yeast in every light. */
export const yeast: Kind = {
  diameter: [14, 40],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const most = 0.9 * size.height * size.width / square(diameter);
    const colonies = 1 + random.below(4);
    for (let k = 0; k < colonies; k++) {
      const count = Math.ceil(most * square(random.uniform()) * 0.9 / colonies);
      grow(random, sketch, diameter, count + 1);
    }
    const cells = finishSketch(random, sketch);
    const style = random.below(3);
    const plane = style === 0
      ? shadeDark(random, cells)
      : style === 1
      ? shadeGray(random, cells, diameter)
      : shadeRings(random, cells, diameter);
    if (random.uniform() < 0.3) {
      addWalls(random, plane, cells, diameter);
    }
    addDust(random, [plane], {
      size,
      count: random.below(6),
      range: [1, diameter / 8],
      to: [random.uniform()],
    });
    return { cells, planes: [plane], faults: MILD };
  },
};

/** A colony from one cell: each new one touches an earlier one. */
function grow(
  random: Random,
  sketch: Sketch,
  diameter: number,
  count: number,
): void {
  const start = drawPoint(random, sketch.size);
  const grown: { center: Point; radius: number }[] = [];
  for (let k = 0; k < 5 * count && grown.length < count; k++) {
    const isBud = grown.length > 0 && random.uniform() < 0.22;
    const radius = diameter / 2 *
      (isBud ? random.between(0.3, 0.7) : random.between(0.8, 1.2));
    let center = start;
    if (grown.length > 0) {
      // of several places the nearest to the start: colonies are round
      let best = Infinity;
      for (let j = 0; j < (isBud ? 1 : 5); j++) {
        const from = pick(random, grown);
        const [uy, ux] = random.direction();
        const away = (from.radius + radius) * random.between(0.96, 1.02);
        const y = from.center[0] + away * uy;
        const x = from.center[1] + away * ux;
        const isFree = grown.every((other) =>
          square(other.center[0] - y) + square(other.center[1] - x) >
            square(0.94 * (other.radius + radius))
        );
        const far = square(y - start[0]) + square(x - start[1]);
        if (isFree && far < best) [best, center] = [far, [y, x]];
      }
      if (best === Infinity) continue;
    }
    const blob = outlineBlob(random, {
      center,
      radius,
      aspect: random.between(1, 1.3),
      direction: random.direction(),
      roughness: 0.03,
    });
    // what lies outside the image still carries the colony on
    const isOut = center[0] < -radius || center[1] < -radius ||
      center[0] > sketch.size.height + radius ||
      center[1] > sketch.size.width + radius;
    if (isOut || place(sketch, blob, 0.82)) grown.push({ center, radius });
  }
}

/** Dark cells with bright rims; the gaps between them are brightest. */
function shadeDark(random: Random, cells: Cells): Float32Array {
  const { labels, depth, distance, depths, tints, size } = cells;
  const background = random.between(0.05, 0.2);
  const rim = random.between(0.3, 0.9);
  const reach = random.between(1, 2.2);
  const texture = smoothNoise(random, size, 4);
  return depth.map((d, i) => {
    if (d === 0) return background + rim / (1 + square(distance[i] / reach));
    const label = labels[i];
    // a vacuole: a gray disc in the middle of some
    const vacuole = tints[label] > 0.5 && d > 0.45 * depths[label] ? 0.12 : 0;
    return background * 0.4 + rim * 0.5 / (1 + square(d)) +
      vacuole * (0.4 + texture[i]);
  });
}

/** Gray phase contrast with halos. */
function shadeGray(random: Random, cells: Cells, diameter: number) {
  const thickness = measureThickness(cells, diameter * 0.06, 0.3);
  const texture = smoothNoise(random, cells.size, diameter / 4);
  const spots = random.between(0, 0.8);
  const plane = showPhase(
    thickness.map((value, i) => value * (1 + spots * (texture[i] - 0.5))),
    cells.size,
    {
      background: random.between(0.2, 0.6),
      contrast: random.between(-0.5, -0.15),
      halo: diameter * random.between(0.15, 0.5),
      share: random.between(0.6, 1),
    },
  );
  const rings = drawRings(cells, {
    spacing: 1.2,
    first: random.between(-0.1, 0.1),
    inner: 0,
    outer: random.between(0, 0.35),
  });
  return plane.map((value, i) => value + rings[i]);
}

/** Brightfield out of focus: rings, nearly clear inside. */
function shadeRings(random: Random, cells: Cells, diameter: number) {
  const sign = random.uniform() < 0.6 ? -1 : 1;
  const strength = random.between(0.1, 0.4);
  const rings = drawRings(cells, {
    spacing: Math.max(1, diameter * random.between(0.05, 0.12)),
    first: sign * strength,
    inner: -sign * strength * random.between(0.2, 1),
    outer: -sign * strength * random.between(0.2, 1),
  });
  const background = random.between(0.45, 0.65);
  const texture = smoothNoise(random, cells.size, diameter / 4);
  return rings.map((value, i) => {
    const { labels, tints } = cells;
    const inside = labels[i] > 0
      ? 0.12 * (tints[labels[i]] - 0.5) + 0.15 * (texture[i] - 0.5)
      : 0;
    return background + value + inside;
  });
}

/** Walls of traps, which are no cells. */
function addWalls(
  random: Random,
  plane: Float32Array,
  { size, labels }: Cells,
  diameter: number,
): void {
  const dark = random.between(-0.25, 0.25);
  const count = 1 + random.below(4);
  for (let k = 0; k < count; k++) {
    const from = drawPoint(random, size);
    const [uy, ux] = random.direction();
    const length = diameter * random.between(0.7, 4);
    const to: Point = [from[0] + length * uy, from[1] + length * ux];
    const width = diameter * random.between(0.08, 0.3);
    for (const [scale, sign] of [[1, 1], [0.6, -0.6]]) {
      const wall = outlineTube([from, to], [width * scale, width * scale]);
      forEachInside(wall, size, (i) => {
        if (labels[i] === 0) plane[i] += sign * dark;
      });
    }
  }
}
