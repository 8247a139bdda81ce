/**
 * Adherent cells in phase contrast: spread, spindle-shaped, rounded up.
 *
 * @module
 */
import type { Size2D } from "../../../ndarray.ts";
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { square } from "../../shapes.ts";
import { addDust } from "../camera.ts";
import { type Kind, MILD } from "../kind.ts";
import {
  type Outline,
  outlineBlob,
  outlineStar,
  type Point,
} from "../outlines.ts";
import { showPhase } from "../phase.ts";
import {
  type Cells,
  drawPoint,
  finishSketch,
  place,
  startSketch,
} from "../sketch.ts";

/** Adherent cells. */
export const adherent: Kind = {
  diameter: [28, 84],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const share = random.between(0.08, 0.8);
    const most = share * size.height * size.width / square(diameter);
    const spread = random.uniform();
    const around = random.between(0, 0.3);
    let placed = 0;
    for (let k = 0; k < 4 * most + 4 && placed < most + 1; k++) {
      const outline = random.uniform() < around
        ? outlineBlob(random, {
          center: drawPoint(random, size),
          radius: diameter * random.between(0.22, 0.34),
          aspect: random.between(1, 1.2),
          direction: random.direction(),
          roughness: 0.04,
        })
        : drawSpread(random, size, diameter, spread);
      if (place(sketch, outline, 0.8)) placed++;
    }
    const cells = finishSketch(random, sketch);
    const plane = shade(random, cells, diameter);
    const gray = random.between(0.25, 0.55);
    addDust(random, [plane], {
      size,
      count: random.below(40),
      range: [1, diameter / 14],
      to: [gray],
    });
    return {
      cells,
      planes: [plane],
      faults: { ...MILD, blur: [0.3, 0.9], noise: [0.003, 0.03] },
    };
  },
};

/** A cell with 2 to 6 arms, long and thin or short and webbed. */
function drawSpread(
  random: Random,
  size: Size2D,
  diameter: number,
  spread: number,
): Outline {
  const center = drawPoint(random, size, diameter / 3);
  if (random.uniform() < 0.3 * spread) {
    return outlineBlob(random, {
      center,
      radius: diameter / 2,
      aspect: random.between(1, 2.2),
      direction: random.direction(),
      roughness: random.between(0.08, 0.3),
    });
  }
  const isSpindle = random.uniform() < 0.45;
  const arms = isSpindle ? 2 : 3 + random.below(4);
  const axis = random.direction();
  const length = diameter * (isSpindle ? 1.15 : 0.8);
  const taken: Point[] = [];
  const tips = Array.from({ length: arms }, (_, k): Point => {
    const [uy, ux] = isSpindle
      ? (k === 0 ? axis : [-axis[0], -axis[1]])
      : drawApart(random, taken);
    const aside = isSpindle ? random.between(-0.35, 0.35) : 0;
    const reach = length * random.between(0.5, 1.2);
    return [
      center[0] + reach * (uy + aside * ux),
      center[1] + reach * (ux - aside * uy),
    ];
  });
  const root = diameter * (isSpindle ? 0.24 : 0.31) *
    random.between(0.8, 1.25);
  return outlineStar(center, tips, {
    root,
    tip: diameter * random.between(0.05, 0.14),
  });
}

/** A direction not near those taken, where a few tries find one. */
function drawApart(random: Random, taken: Point[]): Point {
  let direction = random.direction();
  for (let k = 0; k < 8; k++) {
    const isNear = taken.some(([y, x]) =>
      y * direction[0] + x * direction[1] > 0.4
    );
    if (!isNear) break;
    direction = random.direction();
  }
  taken.push(direction);
  return direction;
}

function shade(random: Random, cells: Cells, diameter: number): Float32Array {
  const { labels, depth, depths, distance, tints, size } = cells;
  const fine = smoothNoise(random, size, 3);
  const middle = smoothNoise(random, size, Math.max(4, diameter / 9));
  const coarse = smoothNoise(random, size, diameter / 3);
  const granules = random.between(0.2, 1.2);
  const thickness = depth.map((d, i) => {
    if (d === 0) return 0;
    const label = labels[i];
    // compact cells are thick, spread ones thin
    const inner = d / (depths[label] + 2);
    const height = 0.35 + 0.5 * tints[label] + 0.5 * inner;
    const speck = middle[i] > 0.7 ? granules * inner * 1.3 : 0;
    return height * (1 - 1 / (1 + d / 2)) * (0.7 + 0.6 * coarse[i]) +
      0.35 * granules * (fine[i] - 0.5) + speck;
  });
  const background = random.between(0.38, 0.5);
  const areas = new Float64Array(depths.length);
  for (const label of labels) areas[label]++;
  const plane = showPhase(thickness, size, {
    background,
    contrast: -random.between(0.15, 0.5),
    halo: random.between(4, 14),
    share: random.between(0.5, 1),
  });
  const rim = random.between(0, 0.3);
  const bright = random.between(0.2, 1);
  return plane.map((value, i) => {
    const label = labels[i];
    const outside = rim * tints[label] / (1 + square(depth[i] / 1.5));
    if (label === 0) {
      const halo = distance[i] > 12 ? 0 : 0.6 * rim /
        (1 + square(distance[i] / 2)) * coarse[i];
      return value + halo + 0.05 * (middle[i] - 0.5);
    }
    // lipid drops, and cells rounded up with a bright ring
    const drop = fine[i] * middle[i] > 0.72 ? bright * 0.5 : 0;
    const isRound = 4 * square(depths[label]) > areas[label] &&
      tints[label] > 0.4;
    const ring = isRound ? bright * 0.6 / (1 + square(depth[i] / 3 - 1)) : 0;
    return value + 0.4 * outside + drop + ring;
  });
}
