/** Kernels from end points to masks, called directly, between guard bytes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";
import { toSize } from "./labels.ts";
import { createOutput } from "./network_output.ts";
import { findSeeds, grow } from "./reference/peaks.ts";

const arena = new Arena(core.module);
const integers = (length: number, below: number, seed: number) => {
  const next = createRandom(seed);
  return Uint32Array.from({ length }, () => Math.floor(next() * below));
};

test.each(LENGTHS)("countSinks() and labelSinks() take %i points", (p) => {
  arena.scope((kernels) => {
    const n = 7;
    const sinks = integers(p, n, 5);
    const counts = putGuarded(arena, Uint32Array.of(0, 0, 0, 0, 0, 0, 100));
    const put = putGuarded(arena, sinks);
    kernels.countSinks(counts.at, put.at, p);
    counts.check();
    const expected = [0, 0, 0, 0, 0, 0, 100];
    for (const sink of sinks) expected[sink]++;
    expect([...arena.viewU32(counts.at, n)]).toEqual(expected);

    kernels.labelSinks(put.at, counts.at, p);
    put.check();
    counts.check();
    expect([...arena.viewU32(put.at, p)])
      .toEqual([...sinks].map((sink) => expected[sink]));
  });
});

/** Seeds and labels of counts, by the kernels. */
function cluster(counts: Uint32Array, edges: number[]) {
  return arena.scope((kernels) => {
    const [w, h, d = 1] = [...edges].reverse();
    const put = putGuarded(arena, counts);
    const found = kernels.findSeeds(0, put.at, d, h, w);
    const seeds = reserveGuarded(arena, found * 8);
    expect(kernels.findSeeds(seeds.at, put.at, d, h, w)).toBe(found);
    const labels = reserveGuarded(arena, counts.byteLength);
    const before = kernels.mark();
    expect(kernels.paintSeeds(labels.at, put.at, seeds.at, d, h, w, found))
      .toBe(0);
    expect(kernels.mark()).toBe(before);
    for (const part of [put, seeds, labels]) part.check();
    const words = arena.viewU8(seeds.at, found * 8).slice().buffer;
    return {
      // count << 32 | pixel
      seeds: [...new Uint32Array(words)].filter((_, i) => i % 2 === 0),
      heights: [...new Uint32Array(words)].filter((_, i) => i % 2 === 1),
      labels: [...arena.viewU32(labels.at, counts.length)],
    };
  });
}

/** The same, from the scalar reference. */
function clusterSlowly(counts: Uint32Array, edges: number[]) {
  const seeds = findSeeds(counts, edges).sort((a, b) => counts[a] - counts[b]);
  const labels = Array.from(counts, () => 0);
  seeds.forEach((seed, k) => {
    for (const at of grow(seed, counts, edges)) labels[at] = k + 1;
  });
  return { seeds, heights: seeds.map((seed) => counts[seed]), labels };
}

test("findSeeds() and paintSeeds() give what the reference gives", () => {
  const edge = fc.constantFrom(1, 3, 4, 5, 8, 17);
  const shape = fc.oneof(
    fc.tuple(edge, edge),
    fc.tuple(fc.constantFrom(1, 2, 5), fc.constantFrom(1, 4, 6), edge),
  );
  // few values, so that there are plateaus and ties; many pixels below a seed
  const palette = fc.constantFrom(
    [0, 0, 0, 0, 0, 11],
    [0, 2, 3, 10, 11, 12],
    [3, 3, 3, 11, 11, 500],
    [11],
    [0, 0, 3, 0x8000_0000, 0x8000_0001],
  );
  const arbitrary = fc.tuple(shape, palette).chain(([edges, values]) => {
    const n = edges.reduce<number>((a, b) => a * b, 1);
    return fc.record({
      edges: fc.constant(edges as number[]),
      counts: fc.array(fc.constantFrom(...values), {
        minLength: n,
        maxLength: n,
      }),
    });
  });
  let most = 0;
  fc.assert(
    fc.property(arbitrary, ({ edges, counts }) => {
      // a volume of one plane is an image to the kernels
      const flat = edges.length === 3 && edges[0] === 1
        ? edges.slice(1)
        : edges;
      const expected = clusterSlowly(Uint32Array.from(counts), flat);
      expect(cluster(Uint32Array.from(counts), edges)).toEqual(expected);
      most = Math.max(most, expected.seeds.length);
    }),
    { seed: 3, numRuns: 600 },
  );
  expect(most).toBeGreaterThan(20);
});

test("findSeeds() finds one peak wherever it lies among the lanes", () => {
  for (const n of LENGTHS) {
    for (let i = 0; i < n; i++) {
      const counts = new Uint32Array(n);
      counts[i] = 11;
      expect(cluster(counts, [1, n]).seeds).toEqual([i]);
      expect(cluster(counts, [n, 1]).seeds).toEqual([i]);
      counts[i] = 10;
      expect(cluster(counts, [1, n]).seeds).toEqual([]);
    }
  }
});

test("findSeeds() orders by count, ties in raster order", () => {
  const counts = new Uint32Array(40);
  for (const [at, count] of [[0, 12], [9, 12], [20, 11], [31, 12], [39, 400]]) {
    counts[at] = count;
  }
  expect(cluster(counts, [1, 40])).toMatchObject({
    seeds: [20, 0, 9, 31, 39],
    heights: [11, 12, 12, 12, 400],
  });
});

test("findBoxes() bounds each label; a missing one has an empty box", () => {
  for (const edges of [[1, 1], [1, 17], [5, 3], [2, 3, 4]]) {
    const [w, h, d = 1] = [...edges].reverse();
    for (const [most, count] of [[3, 5], [1, 1], [9, 9]]) {
      const labels = integers(d * h * w, most, 8);
      arena.scope((kernels) => {
        const boxes = reserveGuarded(arena, count * 32);
        const put = putGuarded(arena, labels);
        kernels.findBoxes(boxes.at, put.at, d, h, w, count);
        boxes.check();
        put.check();
        for (let label = 1; label <= count; label++) {
          const at = [...labels.keys()].filter((i) => labels[i] === label);
          const range = (of: (i: number) => number) =>
            at.length === 0
              ? [0, 0]
              : [Math.min(...at.map(of)), Math.max(...at.map(of)) + 1];
          expect([...arena.viewI32(boxes.at + (label - 1) * 32, 8)]).toEqual([
            ...range((i) => Math.floor(i / h / w)),
            ...range((i) => Math.floor(i / w) % h),
            ...range((i) => i % w),
            at.length,
            0,
          ]);
        }
      });
    }
  }
});

test("removeBadFlow() removes labels above the threshold only", () => {
  arena.scope((kernels) => {
    const masks = putGuarded(arena, Uint32Array.of(3, 0, 1, 1, 2, 4, 3));
    const errors = putGuarded(
      arena,
      Float64Array.of(0.5, 0.25, 0.1, 0.2500001),
    );
    expect(kernels.removeBadFlow(masks.at, errors.at, 7, 4, 0.25)).toBe(2);
    masks.check();
    errors.check();
    expect([...arena.viewU32(masks.at, 7)]).toEqual([1, 0, 0, 0, 2, 0, 1]);
  });
});

test("dropLarge() removes labels above the fraction, and counts them", () => {
  arena.scope((kernels) => {
    // 8 pixels: 4, 3 and 1 of them; label 2 is missing
    const labels = Uint32Array.of(4, 1, 1, 4, 4, 4, 3, 1);
    for (
      const [fraction, left, result] of [
        [0.5, 3, [1, 2, 2, 1, 1, 1, 3, 2]],
        [0.4, 2, [0, 1, 1, 0, 0, 0, 2, 1]],
        [0, 0, [0, 0, 0, 0, 0, 0, 0, 0]],
      ] as const
    ) {
      const masks = putGuarded(arena, labels);
      const settings = putGuarded(arena, new Int32Array(12));
      arena.viewF32(settings.at, 12)[4] = fraction;
      expect(kernels.dropLarge(masks.at, 8, 4, settings.at)).toBe(left);
      masks.check();
      settings.check();
      expect([...arena.viewU32(masks.at, 8)]).toEqual(result);
      expect(arena.viewI32(settings.at, 12)[8]).toBe(3 - left);
    }
  });
});

for (const shape of [[61, 83], [14, 25, 37]]) {
  test(`measureConfidence() is the plain computation, ${shape.join("×")}`, () => {
    const size = toSize(shape);
    const { labels, flows, cellprob } = createOutput(size, 7, 9);
    const count = Math.max(...labels);
    const settled = Uint8Array.from(integers(labels.length, 2, 4));
    for (const threshold of [0, 1.5]) {
      const { errors } = core.flowErrors(labels, flows, size);
      arena.scope((kernels) => {
        const out = reserveGuarded(arena, (count + 1) * 16);
        const [w, h, d = 1] = [...shape].reverse();
        // one label more than there are
        expect(kernels.measureConfidence(
          out.at,
          arena.put(labels),
          arena.put(flows),
          arena.put(cellprob),
          arena.put(settled),
          d,
          h,
          w,
          count + 1,
          threshold,
          0,
        )).toBe(count + 1);
        out.check();
        const rows = arena.viewF32(out.at, (count + 1) * 4);
        for (let k = 0; k < count; k++) {
          const at = [...labels.keys()].filter((i) => labels[i] === k + 1);
          const paths = at.filter((i) => cellprob[i] > threshold);
          const probability = at
            .reduce((sum, i) => sum + 1 / (1 + Math.exp(-cellprob[i])), 0) /
            at.length;
          const share = paths.filter((i) => settled[i]).length / paths.length;
          const expected = [
            errors[k],
            probability,
            share,
            probability * Math.max(0, 1 - errors[k]) * share,
          ];
          expected.forEach((value, i) =>
            expect(rows[4 * k + i]).toBeCloseTo(value, 5)
          );
          expect(expected[3]).toBeGreaterThan(0.1);
        }
        expect([...rows.subarray(4 * count)]).toEqual([0, 0, 0, 0]);
      });
    }
  });
}

test.each([...LENGTHS, 1000])("measureSettled() counts %i pixels", (n) => {
  const count = 6;
  // the last label has no pixel, the one before it no path
  const labels = Uint32Array.from(integers(n, count, 3));
  const logits = Float32Array.from(
    integers(n, 5, 4),
    (value, i) => labels[i] === count - 1 ? -1 : value - 1.5,
  );
  const settled = Uint8Array.from(integers(n, 2, 5));
  arena.scope((kernels) => {
    const out = reserveGuarded(arena, count * 16);
    kernels.measureSettled(
      out.at,
      arena.put(labels),
      arena.put(logits),
      arena.put(settled),
      n,
      count,
      0.5,
    );
    out.check();
    for (let k = 0; k < count; k++) {
      const pixels = [...labels.keys()].filter((i) => labels[i] === k + 1);
      const paths = pixels.filter((i) => logits[i] > 0.5);
      const share = paths.filter((i) => settled[i]).length / paths.length;
      expect(arena.viewF32(out.at + 8 * k, 1)[0])
        .toBe(paths.length === 0 ? 0 : Math.fround(share));
      expect(arena.viewU32(out.at + 8 * k + 4, 1)[0]).toBe(pixels.length);
    }
  });
});

test.each(LENGTHS)(
  "longestStep(), shiftPoints() and collectAway() take %i",
  (n) => {
    const ONE = 2 ** 14;
    for (const c of [2, 3]) {
      arena.scope((kernels) => {
        const steps = Float32Array.from(
          { length: n * c },
          (_, i) => i % c === 0 ? (i % 2 ? -1 : 1) * i : 1e6,
        );
        expect(kernels.longestStep(arena.put(steps), n, c, 9, 1))
          .toBe(Math.max(0, (n - 1) * c) / ONE);

        const values = Int32Array.from(
          { length: n * c },
          (_, i) => i % c === 0 ? (i / c - 1) * ONE + 5 : i,
        );
        const points = putGuarded(arena, values);
        kernels.shiftPoints(points.at, n, c, 1, 1);
        points.check();
        expect([...arena.viewI32(points.at, n * c)])
          .toEqual([...values].map((v, i) => v + (i % c === 0 ? ONE : 0)));

        const left = Int32Array.from({ length: n }, (_, i) => i % 3);
        const away = [...left.keys()].filter((i) => left[i] > 0);
        const put = putGuarded(arena, left);
        const call = (parts: number[]) =>
          kernels.collectAway(
            parts[0],
            parts[1],
            parts[2],
            parts[3],
            points.at,
            put.at,
            n,
            c,
            6,
            1,
          );
        expect(call([0, 0, 0, 0])).toBe(away.length);
        const out = [4, 4 * c, 4, 4]
          .map((bytes) => reserveGuarded(arena, away.length * bytes));
        expect(call(out.map(({ at }) => at))).toBe(away.length);
        for (const part of [...out, points, put]) part.check();
        const read = (k: number, of: number) => [
          ...arena.viewI32(out[k].at, away.length * of),
        ];
        expect(read(0, 1)).toEqual(away);
        const shifted = arena.viewI32(points.at, n * c);
        expect(read(1, c))
          .toEqual(
            away.flatMap((i) => [...shifted.subarray(i * c, i * c + c)]),
          );
        expect(read(2, 1)).toEqual(away.map((i) => left[i]));
        // position ONE is row 0; rows stay within the image of 6
        expect(read(3, 1)).toEqual(
          away.map((i) => Math.min(Math.max(i - 1, 0), 5)),
        );
      });
    }
  },
);
