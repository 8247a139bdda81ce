import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { ArgumentError } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { seededRandom } from "./reference/scenes.ts";

/** The table as text rows, counted the slow way. */
function slowPairs(truth: Uint32Array, prediction: Uint32Array): string[] {
  const counts = new Map<string, number>();
  truth.forEach((t, i) => {
    const key = `${t} ${prediction[i]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  });
  return [...counts].map(([key, n]) => `${key} ${n}`).sort();
}

function pairsOf(table: ReturnType<typeof core.overlapTable>): string[] {
  const rows = [];
  for (let k = 0; k < table.iou.length; k++) {
    const [i, j, n] = table.pairs.subarray(3 * k);
    rows.push(`${table.trueLabels[i]} ${table.predLabels[j]} ${n}`);
  }
  return rows.sort();
}

const GUARD = 0xdeadbeef;

for (const n of [0, 1, 3, 4, 5, 8, 17, 33]) {
  test(`overlapTable kernel counts ${n} pixels and touches no guard word`, () => {
    const random = seededRandom(n);
    // runs of 1 to 9 pixels, so that every tail of the vector loop occurs
    const fill = (labels: Uint32Array) => {
      for (let i = 0; i < labels.length;) {
        const end = i + 1 + Math.floor(random() * 9);
        labels.fill(Math.floor(random() * 4), i, end);
        i = end;
      }
      return labels;
    };
    const truth = fill(new Uint32Array(n));
    const prediction = fill(new Uint32Array(n));
    const arena = new Arena(core.module);
    arena.scope((kernels) => {
      const out = arena.put(new Uint32Array(9).fill(GUARD));
      const guarded = (labels: Uint32Array) =>
        arena.put(Uint32Array.from([GUARD, ...labels, GUARD])) + 4;
      const a = guarded(truth), b = guarded(prediction);
      const pairs = kernels.overlapTable(out + 4, a, b, n);
      expect(pairs).toBe(slowPairs(truth, prediction).length);
      const head = arena.viewU32(out, 9).slice();
      expect([head[0], head[8]]).toEqual([GUARD, GUARD]);
      for (const [at, labels] of [[a, truth], [b, prediction]] as const) {
        expect([...arena.viewU32(at - 4, n + 2)])
          .toEqual([GUARD, ...labels, GUARD]);
      }
      const counted = arena.viewU32(head[5], 3 * pairs);
      let sum = 0;
      for (let k = 0; k < pairs; k++) sum += counted[3 * k + 2];
      expect(sum).toBe(n);
    });
  });
}

test("overlapTable() lists pairs, areas and IoU by ascending label", () => {
  const table = core.overlapTable(
    Uint8Array.of(0, 5, 5, 5, 2, 0),
    Uint8Array.of(0, 9, 9, 0, 9, 7),
    { height: 2, width: 3 },
  );
  expect([...table.trueLabels]).toEqual([0, 2, 5]);
  expect([...table.trueAreas]).toEqual([2, 1, 3]);
  expect([...table.predLabels]).toEqual([0, 7, 9]);
  expect([...table.predAreas]).toEqual([2, 1, 3]);
  expect([...table.pairs]).toEqual([
    ...[0, 0, 1],
    ...[0, 1, 1],
    ...[1, 2, 1],
    ...[2, 0, 1],
    ...[2, 2, 2],
  ]);
  expect([...table.iou]).toEqual([1 / 3, 1 / 2, 1 / 3, 1 / 4, 2 / 4]);
  expect(table.pixels).toBe(6);
});

test("overlapTable() lists the background where there is none", () => {
  const ones = new Uint8Array(4).fill(1);
  const table = core.overlapTable(ones, ones, { height: 2, width: 2 });
  expect([...table.trueLabels]).toEqual([0, 1]);
  expect([...table.trueAreas]).toEqual([0, 4]);
  expect([...table.pairs]).toEqual([1, 1, 4]);
});

test("overlapTable() takes labels up to 2^32 - 1 with gaps", () => {
  const labels = Uint32Array.of(0, 70000, 2 ** 31 - 1, 2 ** 32 - 1);
  const table = core.overlapTable(labels, labels, { height: 1, width: 4 });
  expect([...table.trueLabels]).toEqual([...labels]);
  expect([...table.predLabels]).toEqual([...labels]);
  expect([...table.iou]).toEqual([1, 1, 1, 1]);
});

test("overlapTable() grows its table: every pixel a pair of its own", () => {
  const n = 20_000;
  const truth = Uint32Array.from({ length: n }, (_, i) => (i * 7919) % n);
  const prediction = Uint32Array.from({ length: n }, (_, i) => n - i);
  const table = core.overlapTable(truth, prediction, { height: 1, width: n });
  expect(table.iou.length).toBe(n);
  expect(pairsOf(table)).toEqual(slowPairs(truth, prediction));
});

test("overlapTable() counts volumes like images", () => {
  const labels = Uint32Array.of(0, 1, 1, 0, 2, 2, 2, 0);
  const shifted = Uint32Array.of(1, 1, 0, 0, 2, 2, 0, 0);
  const image = core.overlapTable(labels, shifted, { height: 4, width: 2 });
  const volume = core.overlapTable(labels, shifted, {
    depth: 2,
    height: 2,
    width: 2,
  });
  expect(volume).toEqual(image);
});

test("overlapTable() names the argument that is wrong", () => {
  const size = { height: 1, width: 2 };
  const two = new Int32Array(2);
  const check = (call: () => unknown, argument: string) => {
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(argument);
  };
  check(() => core.overlapTable(new Int32Array(3), two, size), "truth");
  check(() => core.overlapTable(two, new Int32Array(3), size), "prediction");
  check(() => core.overlapTable(Int32Array.of(0, -1), two, size), "truth");
  check(() => core.overlapTable(two, Int32Array.of(-5, 0), size), "prediction");
  check(
    () => core.overlapTable(two, two, { height: 0, width: 2 }),
    "size.height",
  );
});
