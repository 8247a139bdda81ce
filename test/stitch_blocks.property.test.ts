import fc from "fast-check";
import { expect, test } from "vitest";
import { core } from "./core.ts";
import { toShape, toSize } from "./labels.ts";

/** Half-open range of one block along one axis, and what it owns of it. */
interface Span {
  start: number;
  end: number;
  own: readonly [start: number, end: number];
}

/** Blocks of `edge` pixels, each reaching `margin` pixels into the next. */
function cut(length: number, edge: number, margin: number): Span[] {
  return Array.from({ length: Math.ceil(length / edge) }, (_, k) => {
    const own = [k * edge, Math.min(length, (k + 1) * edge)] as const;
    return {
      start: Math.max(0, own[0] - margin),
      end: Math.min(length, own[1] + margin),
      own,
    };
  });
}

type Box = [z: Span, y: Span, x: Span];

/** Visit the pixels of a box: index in the image, place. */
function* pixelsOf(
  [, h, w]: number[],
  box: readonly { start: number; end: number }[],
) {
  for (let z = box[0].start; z < box[0].end; z++) {
    for (let y = box[1].start; y < box[1].end; y++) {
      for (let x = box[2].start; x < box[2].end; x++) {
        yield { i: (z * h + y) * w + x, at: [z, y, x] };
      }
    }
  }
}

/** Touching cells: each pixel belongs to its nearest site, if that is near. */
function cells(shape: number[], sites: number[][], radius: number) {
  const masks = new Uint32Array(shape.reduce((a, b) => a * b));
  const whole = shape.map((end) => ({ start: 0, end }));
  for (const { i, at } of pixelsOf(shape, whole)) {
    let best = radius;
    sites.forEach((site, k) => {
      const distance = Math.hypot(...at.map((p, axis) => p - site[axis]));
      if (distance >= best) return;
      best = distance;
      masks[i] = k + 1;
    });
  }
  return masks;
}

const scenes = fc.record({
  shape: fc.oneof(
    fc.tuple(
      fc.constant(1),
      fc.integer({ min: 5, max: 40 }),
      fc.integer({ min: 5, max: 40 }),
    ),
    fc.tuple(
      fc.integer({ min: 2, max: 10 }),
      fc.integer({ min: 4, max: 12 }),
      fc.integer({ min: 4, max: 12 }),
    ),
  ),
  sites: fc.array(
    fc.tuple(
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
    ),
    { minLength: 1, maxLength: 25 },
  ),
  radius: fc.integer({ min: 1, max: 12 }),
  edge: fc.integer({ min: 3, max: 15 }),
  margin: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
  measure: fc.constantFrom("iou" as const, "containment" as const),
});

test("stitchBlocks() gives back what was cut into blocks", () => {
  fc.assert(
    fc.property(
      scenes,
      ({ shape, sites, radius, edge, margin, seed, measure }) => {
        const places = sites.map((site) =>
          site.map((p, axis) => Math.floor(p * shape[axis]))
        );
        const scene = cells(shape, places, radius);
        const size = toSize(shape[0] === 1 ? shape.slice(1) : shape);
        // a connected cell that crosses a cut lies on both sides of it
        const { masks } = core.splitLabels(scene, size, {
          connectivity: "faces",
        });

        let state = seed >>> 0;
        const random = (n: number) => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return Math.floor(state / 2 ** 32 * n);
        };
        const [zs, ys, xs] = toShape(size).map((n) => cut(n, edge, margin));
        const boxes: Box[] = zs.flatMap((z) =>
          ys.flatMap((y) => xs.map((x): Box => [z, y, x]))
        );
        // each block knows the cells by shuffled numbers of its own
        const blocks = boxes.map((box) => {
          const ids = new Map([[0, 0]]);
          const labels = new Set<number>();
          for (const { i } of pixelsOf(shape, box)) labels.add(masks[i]);
          labels.delete(0);
          const own = [...labels].map((_, k) => k + 1);
          for (const label of labels) {
            ids.set(label, own.splice(random(own.length), 1)[0]);
          }
          return { box, ids };
        });

        const stitcher = core.stitchBlocks({ measure });
        blocks.forEach(({ ids }, k) => stitcher.addBlock(k, ids.size - 1));
        for (let a = 0; a < blocks.length; a++) {
          for (let b = 0; b < a; b++) {
            // face neighbors only
            const apart = [0, 1, 2].filter((axis) =>
              boxes[a][axis] !== boxes[b][axis]
            );
            if (apart.length !== 1) continue;
            const shared = boxes[a].map((span, axis) => ({
              start: Math.max(span.start, boxes[b][axis].start),
              end: Math.min(span.end, boxes[b][axis].end),
            }));
            const extent = shared.map(({ start, end }) => end - start);
            if (extent.some((n) => n < 1)) continue;
            const side = (k: number) => ({
              block: k,
              masks: Uint32Array.from(
                pixelsOf(shape, shared),
                ({ i }) => blocks[k].ids.get(masks[i])!,
              ),
            });
            const [depth, height, width] = extent;
            stitcher.addSeam(side(a), side(b), { depth, height, width });
          }
        }

        const { tables, count } = stitcher.finish();
        const out = new Uint32Array(masks.length);
        blocks.forEach(({ box, ids }, k) => {
          const own = box.map(({ own: [start, end] }) => ({ start, end }));
          for (const { i } of pixelsOf(shape, own)) {
            out[i] = tables.get(k)![ids.get(masks[i])!];
          }
        });
        expect(core.relabel(out, size).masks).toEqual(
          core.relabel(masks, size).masks,
        );
        expect(count).toBe(new Set(masks.filter((k) => k > 0)).size);
      },
    ),
    { seed: 11, numRuns: 150 },
  );
});
