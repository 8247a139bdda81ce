import fc from "fast-check";
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";
import { centroidReference } from "./reference/centroid.ts";

const HUGE = 2 ** 31 - 1;

test("centroidFlows() points straight to the centroid, 0 on it", () => {
  const flows = core.centroidFlows(new Uint8Array([0, 7, 7, 7, 0]), {
    height: 1,
    width: 5,
  });
  expect([...flows]).toEqual([0, 0, 0, 0, 0, 0, 1, 0, -1, 0]);
});

test("centroidFlows() of a ring points to the hole, or with inside to a pixel of the ring", () => {
  const ring = new Uint32Array([1, 1, 1, 1, 0, 1, 1, 1, 1]);
  const size = { height: 3, width: 3 };
  const plain = core.centroidFlows(ring, size);
  expect([plain[1], plain[10]]).toEqual([1, 0]); // pixel (0, 1): down
  const inside = core.centroidFlows(ring, size, { inside: true });
  // nearest to (1, 1), the first of equals: pixel (0, 1)
  expect([inside[1], inside[10]]).toEqual([0, 0]);
  expect([inside[7], inside[16]]).toEqual([-1, 0]); // pixel (2, 1): up
});

test("centroidFlows() agrees with the scalar reference on random labels", () => {
  const ids = [0, 0, 1, 2, 3, 70_000, HUGE];
  const input = fc.record({
    depth: fc.constantFrom(0, 1, 3),
    height: fc.constantFrom(1, 3, 5, 8),
    width: fc.constantFrom(1, 3, 4, 5, 8, 17),
    inside: fc.boolean(),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(input, ({ depth, height, width, inside, seed }) => {
      const shape: number[] = depth ? [depth, height, width] : [height, width];
      let state = seed >>> 0;
      const labels = Uint32Array.from(
        { length: shape.reduce((a, b) => a * b) },
        () => {
          state = Math.imul(state, 1664525) + 1013904223 >>> 0;
          return ids[(state >>> 16) % ids.length];
        },
      );
      const size = depth ? { depth, height, width } : { height, width };
      const flows = core.centroidFlows(labels, size, { inside });
      const expected = centroidReference(labels, shape, inside);
      for (let i = 0; i < expected.length; i++) {
        expect(Math.abs(flows[i] - expected[i])).toBeLessThan(1e-6);
      }
    }),
    { seed: 5, numRuns: 200 },
  );
});

test("centroidFlows() turns with the image", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { minLength: 36, maxLength: 36 }),
      (cells) => {
        const size = { height: 6, width: 6 };
        const flows = core.centroidFlows(Uint32Array.from(cells), size);
        const turned = core.centroidFlows(
          Uint32Array.from(
            cells,
            (_, i) => cells[(i % 6) * 6 + Math.floor(i / 6)],
          ),
          size,
        );
        for (let i = 0; i < 36; i++) {
          const j = (i % 6) * 6 + Math.floor(i / 6);
          expect(turned[i]).toBe(flows[36 + j]);
          expect(turned[36 + i]).toBe(flows[j]);
        }
      },
    ),
    { seed: 6, numRuns: 50 },
  );
});

test("centroidFlows() and dbscan() write nothing beyond their output and free their scratch", () => {
  const arena = new Arena(core.module);
  arena.scope((kernels) => {
    for (const width of [1, 3, 4, 5, 8, 17]) {
      const labels = arena.putLabels(new Uint32Array(width).fill(1));
      const points = arena.put(new Float32Array(width * 2));
      const indices = arena.put(
        Uint32Array.from({ length: width }, (_, i) => i),
      );
      const out = arena.reserve((width * 2 + 8) * 4);
      const before = kernels.mark();
      arena.viewU32(out, width * 2 + 8).fill(0xdeadbeef);
      kernels.centroidFlows(out + 16, labels, 1, 1, width, 2, 1, 1);
      const words = arena.viewU32(out, width * 2 + 8).slice();
      expect([...words.subarray(0, 4), ...words.subarray(-4)])
        .toEqual(Array(8).fill(0xdeadbeef));
      expect(kernels.dbscan(out + 16, points, indices, width, width, 2, 1, 1))
        .toBe(1);
      const masks = arena.viewU32(out, width + 8).slice(0, width + 4);
      expect([...masks.subarray(0, 4)]).toEqual(Array(4).fill(0xdeadbeef));
      expect([...masks.subarray(4)]).toEqual(Array(width).fill(1));
      expect(kernels.mark()).toBe(before);
    }
  });
});

test("centroidFlows() refuses an empty size, a wrong length and negative labels", () => {
  const labels = new Int32Array([0, -2]);
  expect(() => core.centroidFlows(labels, { height: 0, width: 2 }))
    .toThrow("size.height");
  expect(() => core.centroidFlows(labels, { height: 3, width: 1 }))
    .toThrow("labels: has 2 elements");
  expect(() => core.centroidFlows(labels, { height: 2, width: 1 }))
    .toThrow("labels: label -2 at index 1 is negative");
});
