import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { ArgumentError, ShapeError } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { fromPicture, toPicture } from "./labels.ts";

const NESTED = fromPicture(`
  1111111..
  1.....1..
  1.222.1..
  1.2.2.1..
  1.222.1.3
  1.....1..
  1111111..
`);

test("fillHolesAndRemoveSmall() keeps nested cells", () => {
  const { masks, count } = core.fillHolesAndRemoveSmall(
    NESTED.masks,
    NESTED.size,
    { minSize: 0 },
  );
  expect(count).toBe(3);
  expect(toPicture(masks, NESTED.size)).toEqual([
    "1111111..",
    "1111111..",
    "1122211..",
    "1122211..",
    "1122211.3",
    "1111111..",
    "1111111..",
  ]);
});

test("fillHolesAndRemoveSmall() in parity mode erases nested cells and leaves a gap", () => {
  const { masks, count } = core.fillHolesAndRemoveSmall(
    NESTED.masks,
    NESTED.size,
    { minSize: 0, parity: true },
  );
  expect(count).toBe(2);
  expect(toPicture(masks, NESTED.size)[3]).toBe("1111111..");
  expect(toPicture(masks, NESTED.size)[4]).toBe("1111111.3");
});

test("fillHolesAndRemoveSmall() gives a pixel to the innermost label whatever its id", () => {
  const masks = NESTED.masks.map((k) => k === 1 ? 9 : k === 2 ? 4 : k);
  const filled = core.fillHolesAndRemoveSmall(masks, NESTED.size);
  // 4, the inner one, has eight pixels of fifteen
  expect(filled.count).toBe(1);
  const both = core.fillHolesAndRemoveSmall(masks, NESTED.size, { minSize: 8 });
  expect(toPicture(both.masks, NESTED.size)[3]).toBe("1122211..");
});

test("fillHolesAndRemoveSmall() closes a hole by corners, not a bay", () => {
  const { masks, size } = fromPicture(`
    .1...222
    1.1..2.2
    .1...2.2
  `);
  const filled = core.fillHolesAndRemoveSmall(masks, size, { minSize: 0 });
  expect(toPicture(filled.masks, size)).toEqual([
    ".1...222",
    "111..2.2",
    ".1...2.2",
  ]);
});

test("fillHolesAndRemoveSmall() fills cavities of a volume, not tunnels", () => {
  const size = { depth: 3, height: 3, width: 3 };
  const cavity = new Uint32Array(27).fill(1);
  cavity[13] = 0;
  const filled = core.fillHolesAndRemoveSmall(cavity, size);
  expect(filled.masks).toEqual(new Uint32Array(27).fill(1));
  const tunnel = cavity.slice();
  tunnel[4] = 0;
  expect(core.fillHolesAndRemoveSmall(tunnel, size).masks).toEqual(tunnel);
});

test("fillHolesAndRemoveSmall() without background removes every small label", () => {
  const { masks, size } = fromPicture(`
    11222
    22222
  `);
  const ours = core.fillHolesAndRemoveSmall(masks, size, { minSize: 3 });
  expect(toPicture(ours.masks, size)).toEqual(["..111", "11111"]);
  // Cellpose takes the smallest label for background, and keeps it
  const parity = { minSize: 3, parity: true };
  const theirs = core.fillHolesAndRemoveSmall(masks, size, parity);
  expect(theirs.masks).toEqual(masks);
});

test("relabel() takes any ids", () => {
  const ids = [0xffffffff, 0, 2 ** 31 - 1, 70000, 0xffffffff, 1, 70000];
  const size = { height: 1, width: ids.length };
  const masks = Uint32Array.from(ids);
  expect([...core.relabel(masks, size).masks]).toEqual([1, 0, 2, 3, 1, 4, 3]);
  const ranked = core.relabel(masks, size, { order: "label" });
  expect([...ranked.masks]).toEqual([4, 0, 3, 2, 4, 1, 2]);
  expect(ranked.count).toBe(4);
});

test("relabel() takes more distinct huge labels than its first table holds", () => {
  const size = { height: 100, width: 100 };
  // 5000 labels, falling, then the same again
  const id = (i: number) => 4e9 - 7 * (i % 5000);
  const masks = Uint32Array.from({ length: 10000 }, (_, i) => id(i));
  const { masks: byPlace, count } = core.relabel(masks, size);
  expect(count).toBe(5000);
  expect(byPlace.findIndex((label, i) => label !== i % 5000 + 1)).toBe(-1);
  const { masks: byLabel } = core.relabel(masks, size, { order: "label" });
  expect(byLabel.findIndex((label, i) => label !== 5000 - i % 5000)).toBe(-1);
});

test("splitLabels() takes oblique lines for one unless faces are asked for", () => {
  const { masks, size } = fromPicture(`
    1..
    .1.
    ..1
  `);
  expect(core.splitLabels(masks, size).count).toBe(1);
  expect(core.splitLabels(masks, size, { connectivity: "faces" }).count)
    .toBe(3);
});

test("splitLabels() keeps the largest part of each label", () => {
  const { masks, size } = fromPicture(`
    1.2.11
    ..2.11
    1.2..2
  `);
  const { masks: kept } = core.splitLabels(masks, size, { keep: "largest" });
  expect(toPicture(kept, size)).toEqual(["..1.22", "..1.22", "..1..."]);
});

test("mapLabels() looks labels up and names what has no entry", () => {
  const masks = Uint32Array.of(0, 1, 2, 2);
  const size = { height: 2, width: 2 };
  const table = Uint32Array.of(0, 70000, 1);
  expect([...core.mapLabels(masks, size, table)]).toEqual([0, 70000, 1, 1]);
  expect(() => core.mapLabels(masks, size, table.subarray(0, 2))).toThrow(
    "masks: label 2 has no entry in a table of 2",
  );
  expect(() => core.mapLabels(masks, size, Uint32Array.of(1, 1, 1))).toThrow(
    ArgumentError,
  );
});

const CALLS = [
  ["relabel", core.relabel],
  ["removeSmall", core.removeSmall],
  ["removeLarge", core.removeLarge],
  ["removeEdgeMasks", core.removeEdgeMasks],
  ["fillHolesAndRemoveSmall", core.fillHolesAndRemoveSmall],
  ["splitLabels", core.splitLabels],
] as const;

test.each(CALLS)("%s() answers for an image with no cell", (_, call) => {
  const size = { height: 3, width: 5 };
  const { masks, count } = call(new Uint8Array(15), size);
  expect(masks).toEqual(new Uint32Array(15));
  expect(count).toBe(0);
});

test.each(CALLS)("%s() answers for one pixel", (name, call) => {
  const { masks, count } = call(Uint32Array.of(9), { height: 1, width: 1 });
  const left = name === "relabel" || name === "splitLabels" ? 1 : 0;
  expect([...masks]).toEqual([left]);
  expect(count).toBe(left);
});

test.each(CALLS)("%s() refuses wrong sizes and negative labels", (_, call) => {
  expect(() => call(new Uint32Array(4), { height: 2, width: 3 })).toThrow(
    ShapeError,
  );
  expect(() => call(new Uint32Array(0), { height: 0, width: 3 })).toThrow(
    "size.height",
  );
  expect(() => call(Int32Array.of(0, -2), { height: 1, width: 2 })).toThrow(
    "label -2 at index 1 is negative",
  );
});

test("options outside their range are named", () => {
  const masks = new Uint32Array(1);
  const size = { height: 1, width: 1 };
  expect(() => core.removeSmall(masks, size, { minSize: 1.5 })).toThrow(
    "minSize",
  );
  expect(() => core.fillHolesAndRemoveSmall(masks, size, { minSize: NaN }))
    .toThrow("minSize");
  expect(() => core.removeLarge(masks, size, { maxSizeFraction: NaN }))
    .toThrow("maxSizeFraction");
});

test("the kernels write nothing beside their pixels", () => {
  const arena = new Arena(core.module);
  const GUARD = 0xabad1dea;
  for (const n of [0, 1, 3, 4, 5, 8, 17, 33, 70]) {
    arena.scope((kernels) => {
      const at = arena.reserve((n + 10) * 4);
      const fill = (label: (i: number) => number) => {
        arena.viewU32(at, n + 10).fill(GUARD);
        arena.viewU32(at + 20, n).set(
          Array.from({ length: n }, (_, i) => label(i)),
        );
      };
      const expectGuards = () => {
        const all = arena.viewU32(at, n + 10);
        expect([...all.subarray(0, 5), ...all.subarray(n + 5)]).toEqual(
          Array(10).fill(GUARD),
        );
      };
      // one long run, then runs of all lengths; at +20 bytes: not aligned
      for (const label of [() => 2, (i: number) => Math.floor(Math.sqrt(i))]) {
        fill(label);
        expect(kernels.relabel(at + 20, n)).toBe(
          new Set(Array.from({ length: n }, (_, i) => label(i)).filter(Boolean))
            .size,
        );
        expectGuards();
        const most = kernels.maxLabel(at + 20, n);
        kernels.fillHoles(at + 20, 1, 1, n, most, 1);
        kernels.removeEdge(at + 20, 1, 1, n, most, 0);
        kernels.splitLabels(at + 20, 1, 1, n, most, 1, 0);
        kernels.removeSmall(at + 20, n, most, 3, 0);
        expectGuards();
      }
    });
  }
});
