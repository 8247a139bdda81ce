/** Label images of random convex cells, which touch but do not overlap. */
import { createRandom } from "./bench/scene.ts";

/** Smallest cell, pixels, and smallest minor axis, pixels. */
const MIN_AREA = 60;
const MIN_MINOR = 6;

/**
 * Draw cells one after the other where there is room: ellipses, rectangles and
 * convex polygons at any angle, many of them against an earlier cell.
 *
 * @returns H×W labels 1..count
 */
export function drawConvexCells(
  { height, width }: { height: number; width: number },
  seed: number,
): { labels: Uint32Array; count: number } {
  const random = createRandom(seed);
  const between = (low: number, high: number) => low + (high - low) * random();
  const labels = new Uint32Array(height * width);
  let count = 0;
  for (let attempt = 0; attempt < 60; attempt++) {
    const minor = between(4, 11);
    const offsets = offsetsOf(
      createShape(minor, minor * between(1, 5), random),
    );
    let y = between(0, height);
    let x = between(0, width);
    // move on until the cell meets another or the edge
    const angle = between(0, 2 * Math.PI);
    let best: number[] | undefined;
    for (let step = 0; step < 80; step++) {
      const pixels = pixelsAt(offsets, y, x, { height, width });
      const isFree = pixels?.every((i) => labels[i] === 0);
      if (isFree) best = pixels;
      else if (best !== undefined) break;
      y += Math.sin(angle);
      x += Math.cos(angle);
    }
    if (best === undefined || !isLargeEnough(best, width)) continue;
    count++;
    for (const i of best) labels[i] = count;
  }
  return { labels, count };
}

type Shape = (dy: number, dx: number) => boolean;

function createShape(
  minor: number,
  major: number,
  random: () => number,
): Shape {
  const angle = Math.PI * random();
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turned = (inside: Shape): Shape => (dy, dx) =>
    inside((cos * dy - sin * dx) / minor, (sin * dy + cos * dx) / major);
  switch (Math.floor(3 * random())) {
    case 0:
      return turned((v, u) => v * v + u * u <= 1);
    case 1:
      return turned((v, u) => Math.abs(v) <= 0.9 && Math.abs(u) <= 0.9);
    default: {
      // cut by lines that leave a circle of 0.7
      const lines = Array.from({ length: 7 }, () => {
        const normal = 2 * Math.PI * random();
        const distance = 0.7 + 0.4 * random();
        return [Math.sin(normal), Math.cos(normal), distance];
      });
      return turned((v, u) =>
        v * v + u * u <= 1 && lines.every(([a, b, c]) => a * v + b * u <= c)
      );
    }
  }
}

/** Farthest pixel of a shape. */
const REACH = 60;

function offsetsOf(isInside: Shape): [number, number][] {
  const offsets: [number, number][] = [];
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) {
      if (isInside(dy, dx)) offsets.push([dy, dx]);
    }
  }
  return offsets;
}

/** Pixels of a shape at a place; undefined where it leaves the image. */
function pixelsAt(
  offsets: readonly [number, number][],
  y: number,
  x: number,
  { height, width }: { height: number; width: number },
): number[] | undefined {
  const [top, left] = [Math.round(y), Math.round(x)];
  const pixels: number[] = [];
  for (const [dy, dx] of offsets) {
    const [py, px] = [top + dy, left + dx];
    if (py < 0 || px < 0 || py >= height || px >= width) return undefined;
    pixels.push(py * width + px);
  }
  return pixels;
}

/** Area, and minor axis of the ellipse of the same second moments. */
function isLargeEnough(pixels: readonly number[], width: number): boolean {
  if (pixels.length < MIN_AREA) return false;
  const ys = pixels.map((i) => Math.floor(i / width));
  const xs = pixels.map((i) => i % width);
  const mean = (values: number[]) =>
    values.reduce((a, b) => a + b) / values.length;
  const [my, mx] = [mean(ys), mean(xs)];
  const yy = mean(ys.map((y) => (y - my) ** 2)) + 1 / 12;
  const xx = mean(xs.map((x) => (x - mx) ** 2)) + 1 / 12;
  const xy = mean(ys.map((y, i) => (y - my) * (xs[i] - mx)));
  const least = (yy + xx) / 2 - Math.hypot((yy - xx) / 2, xy);
  return 4 * Math.sqrt(least) >= MIN_MINOR;
}
