/**
 * Bacteria: rods in chains, in dense colonies, in narrow channels; curved
 * cells with stalks; filaments. In phase contrast, brightfield, fluorescence.
 *
 * @module
 */
import type { Size2D } from "../../../ndarray.ts";
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { type Kind, pick } from "../kind.ts";
import { outlineTube, type Point } from "../outlines.ts";
import { packRods } from "../packed.ts";
import {
  drawPoint,
  finishSketch,
  place,
  type Sketch,
  startSketch,
} from "../sketch.ts";
import { lightBacteria } from "./bacteria_light.ts";

/** Rods apart, in chains and side by side. */
export const rods: Kind = {
  diameter: [14, 36],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const aspect = random.between(2.2, 5);
    const width = diameter * Math.sqrt(Math.PI / 4 / aspect);
    const room = size.height * size.width;
    const most = random.between(0.02, 0.3) * room / (width * width * aspect);
    scatterRods(random, sketch, { width, aspect, count: Math.ceil(most) });
    return lightBacteria(random, finishSketch(random, sketch), width);
  },
};

/** Rods that fill a colony. */
export const colony: Kind = {
  diameter: [12, 34],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const aspect = random.between(2.2, 4.5);
    const width = diameter * Math.sqrt(Math.PI / 4 / aspect);
    const area = smoothNoise(random, size, random.between(60, 160));
    const bound = random.uniform() < 0.4 ? -1 : random.between(0.3, 0.6);
    packRods(random, sketch, {
      width: width * 1.05,
      length: width * aspect,
      gap: random.uniform() < 0.5 ? 0 : random.between(0, 0.14 * width),
      groups: 1 + random.below(10),
      isInside: (i) => area[i] > bound,
    });
    return lightBacteria(random, finishSketch(random, sketch), width);
  },
};

/** Filaments and curved cells, some with a stalk that belongs to them. */
export const filaments: Kind = {
  diameter: [20, 55],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const stalks = random.uniform() < 0.5;
    const half = stalks
      ? diameter * random.between(0.13, 0.18)
      : diameter * random.between(0.07, 0.13);
    const room = size.height * size.width / (diameter * diameter);
    const count = 2 + random.below(Math.ceil(0.8 * room));
    for (let k = 0; k < count; k++) {
      const cell = drawFilament(random, size, { diameter, half, stalks });
      place(sketch, cell, 0.93);
    }
    return lightBacteria(random, finishSketch(random, sketch), 2 * half);
  },
};

/** Rods one after the other in narrow channels. */
export const channels: Kind = {
  diameter: [16, 34],
  draw: (random, size, diameter) => {
    const sketch = startSketch(size);
    const aspect = random.between(2, 4.5);
    const width = diameter * Math.sqrt(Math.PI / 4 / aspect);
    const walls = new Float32Array(size.height * size.width);
    const pitch = width * random.between(2.2, 7);
    for (let x = pitch * random.uniform(); x < size.width; x += pitch) {
      let y = random.between(-width * aspect, size.height / 3);
      while (y < size.height) {
        const length = width * aspect * random.between(0.6, 1.4);
        const lean = random.between(-0.1, 0.1) * width;
        const from: Point = [y + width / 2, x - lean];
        const to: Point = [y + length - width / 2, x + lean];
        place(sketch, outlineTube([from, to], [width / 2, width / 2]));
        y += length + random.uniform() * 0.2 * width;
        if (random.uniform() < 0.05) break;
      }
      for (let i = 0; i < walls.length; i++) {
        const away = Math.abs(i % size.width - x) - 0.65 * width;
        if (away < 0) walls[i] = 1;
        else if (away < 1.5) walls[i] = 0.4;
      }
    }
    const drawn = lightBacteria(random, finishSketch(random, sketch), width);
    const depth = random.between(-0.15, 0.2);
    drawn.planes[0].forEach((value, i) =>
      drawn.planes[0][i] = value + depth * walls[i]
    );
    return drawn;
  },
};

/** Put rods down at random, beside one another, and end to end. */
function scatterRods(
  random: Random,
  sketch: Sketch,
  { width, aspect, count }: { width: number; aspect: number; count: number },
): void {
  const placed: { center: Point; direction: Point; length: number }[] = [];
  const clumping = random.uniform();
  const bent = random.uniform() < 0.5 ? 0 : random.between(0, 0.3);
  for (let k = 0; k < 6 * count && placed.length < count; k++) {
    const length = width * aspect * random.between(0.6, 1.4);
    let direction: Point = random.direction();
    let center = drawPoint(random, sketch.size, width);
    if (placed.length > 0 && random.uniform() < clumping) {
      const near = pick(random, placed);
      const [uy, ux] = near.direction;
      const isEnd = random.uniform() < 0.4;
      const along = isEnd
        ? (near.length + length) / 2 + random.uniform() * 0.1 * width
        : random.between(-0.4, 0.4) * length;
      const across = isEnd ? 0 : width * random.between(1.02, 1.25);
      center = [
        near.center[0] + along * uy - across * ux,
        near.center[1] + along * ux + across * uy,
      ];
      direction = turn(near.direction, random.between(-0.25, 0.25));
    }
    const sag = bent * length * random.between(-0.5, 0.5);
    const [uy, ux] = direction;
    const straight = (length - width) / 2;
    const spine = Array.from({ length: 7 }, (_, j): Point => {
      const t = j / 3 - 1;
      const aside = sag * (t * t - 1 / 3);
      return [
        center[0] + t * straight * uy - aside * ux,
        center[1] + t * straight * ux + aside * uy,
      ];
    });
    // about to divide: narrower in the middle
    const waist = random.uniform() < 0.25 ? random.between(0.75, 1) : 1;
    const widths = spine.map((_, j) => width / 2 * (j === 3 ? waist : 1));
    if (place(sketch, outlineTube(spine, widths), 0.97)) {
      placed.push({ center, direction, length });
    }
  }
}

function drawFilament(
  random: Random,
  size: Size2D,
  { diameter, half, stalks }: {
    diameter: number;
    half: number;
    stalks: boolean;
  },
) {
  const area = 0.785 * diameter * diameter;
  const body = stalks ? half * random.between(4, 8) : area / (2 * half);
  const tail = stalks && random.uniform() < 0.8 ? random.between(0.5, 2) : 0;
  let at = drawPoint(random, size, diameter / 3);
  let direction: Point = random.direction();
  let curl = random.between(-0.25, 0.25);
  const step = Math.max(2, half);
  const spine: Point[] = [at];
  const widths = [half * 0.6];
  const length = body + tail * 3 * diameter;
  for (let s = step; s < length; s += step) {
    curl = stalks && s < body
      ? curl
      : 0.85 * curl + 0.05 * random.between(-1, 1);
    direction = turn(direction, curl);
    at = [at[0] + step * direction[0], at[1] + step * direction[1]];
    spine.push(at);
    const thin = stalks ? Math.max(1.6, 0.3 * half) : half;
    const t = s / body;
    widths.push(t < 1 && stalks ? half - (half - thin) * t * t : thin);
  }
  return outlineTube(spine, widths);
}

function turn([y, x]: Point, by: number): Point {
  const [v, u] = [y + by * x, x - by * y];
  const length = Math.sqrt(v * v + u * u);
  return [v / length, u / length];
}
