/** Properties of the way from labels to flows to masks. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { drawConvexCells } from "./convex_cells.ts";
import { core } from "./core.ts";
import { createOutput } from "./network_output.ts";

const SIZE = { height: 112, width: 120 };
const PIXELS = SIZE.height * SIZE.width;
const seeds = fc.nat(1_000_000);

/** Cells, their exact flows, and certain logits. */
function draw(seed: number, size = SIZE) {
  const { labels, count } = drawConvexCells(size, seed);
  return {
    labels,
    count,
    flows: core.labelsToFlows(labels, size),
    cellprob: Float32Array.from(labels, (label) => label > 0 ? 5 : -5),
  };
}

/** AP of masks against others at one threshold. */
const precision = (truth: Uint32Array, masks: Uint32Array, threshold: number) =>
  core.averagePrecision(truth, masks, SIZE, [threshold])[0].ap;

/** Labels in the order in which a raster scan meets them. */
function orderOf(masks: Uint32Array): number[] {
  return [...new Set(masks)].filter((label) => label > 0);
}

/** Pixels that a label encloses: no way over other pixels to the image's edge. */
function findEnclosed(masks: Uint32Array, label: number): Set<number> {
  const { height, width } = SIZE;
  const open = new Set<number>();
  const stack: number[] = [];
  const visit = (y: number, x: number) => {
    if (y < 0 || x < 0 || y >= height || x >= width) return;
    const i = y * width + x;
    if (masks[i] === label || open.has(i)) return;
    open.add(i);
    stack.push(i);
  };
  for (let y = 0; y < height; y++) [0, width - 1].forEach((x) => visit(y, x));
  for (let x = 0; x < width; x++) [0, height - 1].forEach((y) => visit(y, x));
  while (stack.length > 0) {
    const i = stack.pop()!;
    const [y, x] = [Math.floor(i / width), i % width];
    visit(y - 1, x);
    visit(y + 1, x);
    visit(y, x - 1);
    visit(y, x + 1);
  }
  return new Set(
    [...masks.keys()].filter((i) => masks[i] !== label && !open.has(i)),
  );
}

test("convex cells survive labels → flows → masks", () => {
  let cells = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { labels, count, flows, cellprob } = draw(seed);
      const ours = core.computeMasks(flows, cellprob, SIZE);
      expect(precision(labels, ours.masks, 0.75)).toBeGreaterThanOrEqual(0.95);
      // in one piece, and in raster order
      const pieces = core.splitLabels(ours.masks, SIZE);
      expect(pieces.count).toBe(ours.count);
      expect(orderOf(ours.masks))
        .toEqual(Array.from({ length: ours.count }, (_, k) => k + 1));
      // on the cells only: they have no holes
      expect(ours.masks.every((label, i) => label === 0 || labels[i] > 0))
        .toBe(true);
      cells += count;
    }),
    { seed: 1, numRuns: 40 },
  );
  expect(cells).toBeGreaterThan(400);
});

test("masks leave the foreground only to fill holes, whatever the noise", () => {
  let filled = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { flows, cellprob } = createOutput(SIZE, 20, seed);
      const options = { minSize: 20, flowThreshold: 0.6 };
      const ours = core.computeMasks(flows, cellprob, SIZE, options);
      const open = core.computeMasks(flows, cellprob, SIZE, {
        ...options,
        minSize: 0,
        fillHoles: false,
      });
      expect(open.masks.every((label, i) => label === 0 || cellprob[i] > 0))
        .toBe(true);
      for (const { masks, count } of [ours, open]) {
        expect(orderOf(masks))
          .toEqual(Array.from({ length: count }, (_, k) => k + 1));
      }
      const outside = [...ours.masks.keys()]
        .filter((i) => ours.masks[i] > 0 && !(cellprob[i] > 0));
      const enclosed = new Map<number, Set<number>>();
      for (const i of outside) {
        const label = ours.masks[i];
        const bare = ours.masks.map((found, k) => cellprob[k] > 0 ? found : 0);
        const inside = enclosed.get(label) ?? findEnclosed(bare, label);
        enclosed.set(label, inside);
        expect(inside.has(i)).toBe(true);
      }
      filled += outside.length;
      const areas = new Map<number, number>();
      for (const label of ours.masks) {
        areas.set(label, (areas.get(label) ?? 0) + 1);
      }
      for (const area of areas.values()) expect(area).toBeGreaterThan(19);
    }),
    { seed: 2, numRuns: 12 },
  );
  expect(filled).toBeGreaterThan(20);
});

test("flows and errors do not depend on the numbers of the labels", () => {
  fc.assert(
    fc.property(seeds, fc.boolean(), (seed, parity) => {
      const { labels, count, flows } = draw(seed);
      // reversed, with gaps, beyond 16 bits
      const renumber = (label: number) => 70_001 + 37 * (count - label);
      const other = labels.map((label) => label === 0 ? 0 : renumber(label));
      const options = { parity };
      expect(core.labelsToFlows(other, SIZE, options))
        .toEqual(core.labelsToFlows(labels, SIZE, options));
      const noisy = flows.map((flow, i) => flow + (i % 7) / 10);
      const ours = core.flowErrors(labels, noisy, SIZE, options);
      const theirs = core.flowErrors(other, noisy, SIZE, options);
      expect([...theirs.labels].reverse())
        .toEqual([...ours.labels].map(renumber));
      expect([...theirs.errors].reverse()).toEqual([...ours.errors]);
    }),
    { seed: 3, numRuns: 10 },
  );
});

test("flows and masks move with the cells, bit for bit", () => {
  const large = { height: 140, width: 150 };
  const move = (image: Float32Array | Uint32Array, dy: number, dx: number) => {
    const planes = image.length / PIXELS;
    const n = large.height * large.width;
    const out = image instanceof Float32Array
      ? new Float32Array(planes * n).fill(planes === 1 ? -5 : 0)
      : new Uint32Array(n);
    for (let i = 0; i < image.length; i++) {
      const [plane, at] = [Math.floor(i / PIXELS), i % PIXELS];
      const y = Math.floor(at / SIZE.width) + dy;
      const x = at % SIZE.width + dx;
      out[plane * n + y * large.width + x] = image[i];
    }
    return out;
  };
  const offset = fc.tuple(
    fc.integer({ min: 0, max: 28 }),
    fc.integer({ min: 0, max: 30 }),
  );
  fc.assert(
    fc.property(seeds, offset, (seed, [dy, dx]) => {
      const { labels, flows, cellprob } = draw(seed);
      const moved = core.labelsToFlows(
        move(labels, dy, dx) as Uint32Array,
        large,
      );
      expect(moved).toEqual(move(flows, dy, dx));
      // at the image's edge points are held back: keep one pixel away from it
      const masksAt = (y: number, x: number) =>
        core.computeMasks(
          move(flows, y, x) as Float32Array,
          move(cellprob, y, x) as Float32Array,
          large,
        ).masks;
      const [y, x] = [Math.min(dy + 1, 27), Math.min(dx + 1, 29)];
      const back = masksAt(y, x);
      const first = masksAt(1, 1);
      for (let i = 0; i < PIXELS; i++) {
        const [py, px] = [Math.floor(i / SIZE.width), i % SIZE.width];
        const at = (a: number, b: number) => (py + a) * large.width + px + b;
        if (back[at(y, x)] !== first[at(1, 1)]) {
          expect([i, back[at(y, x)]]).toEqual([i, first[at(1, 1)]]);
        }
      }
    }),
    { seed: 4, numRuns: 10 },
  );
});

test("masks turn over with the flows: flips and transposition", () => {
  // y x → y' x' and the sign of each component
  const flip = (i: number, isY: boolean) => {
    const [y, x] = [Math.floor(i / SIZE.width), i % SIZE.width];
    return isY
      ? (SIZE.height - 1 - y) * SIZE.width + x
      : y * SIZE.width + SIZE.width - 1 - x;
  };
  const transpose = (i: number) =>
    i % SIZE.width * SIZE.height + Math.floor(i / SIZE.width);
  const map = <T extends Float32Array | Uint32Array>(
    image: T,
    to: (i: number) => number,
  ): T => {
    const out = image.slice() as T;
    for (let i = 0; i < PIXELS; i++) out[to(i)] = image[i];
    return out;
  };
  fc.assert(
    fc.property(seeds, (seed) => {
      const { flows, cellprob } = draw(seed);
      const { masks } = core.computeMasks(flows, cellprob, SIZE);
      const dY = flows.slice(0, PIXELS);
      const dX = flows.slice(PIXELS);
      for (const isY of [false, true]) {
        const turned = new Float32Array(2 * PIXELS);
        turned.set(map(isY ? dY.map((v) => -v) : dY, (i) => flip(i, isY)));
        turned.set(
          map(isY ? dX : dX.map((v) => -v), (i) => flip(i, isY)),
          PIXELS,
        );
        const logits = map(cellprob, (i) => flip(i, isY));
        const ours = core.computeMasks(turned, logits, SIZE).masks;
        const back = map(ours, (i) => flip(i, isY));
        expect(precision(masks, back, 0.9)).toBe(1);
      }
      const turned = new Float32Array(2 * PIXELS);
      turned.set(map(dX, transpose));
      turned.set(map(dY, transpose), PIXELS);
      const size = { height: SIZE.width, width: SIZE.height };
      const logits = map(cellprob, transpose);
      const ours = core.computeMasks(turned, logits, size).masks;
      const back = masks.map((_, i) => ours[transpose(i)]);
      expect(precision(masks, back, 0.9)).toBe(1);
    }),
    { seed: 5, numRuns: 10 },
  );
});
