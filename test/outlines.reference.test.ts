import fc from "fast-check";
import { expect, test } from "vitest";
import type { Size2D } from "../shared/ndarray.ts";
import { core } from "./core.ts";
import { drawOutlines } from "./reference/outlines.ts";

/** Label images of noise, of blots, and of nested frames. */
const labelImages = fc.tuple(
  fc.integer({ min: 1, max: 24 }),
  fc.integer({ min: 1, max: 24 }),
  fc.integer({ min: 1, max: 4 }),
  fc.constantFrom("noise", "rectangles"),
  fc.infiniteStream(fc.nat(0xffff)),
).map(([height, width, labels, kind, stream]) => {
  const next = (below: number) => stream.next().value! % below;
  const masks = new Uint32Array(height * width);
  if (kind === "noise") {
    for (let i = 0; i < masks.length; i++) masks[i] = next(labels + 1);
  } else {
    for (let k = 0; k < 8; k++) {
      const [top, left] = [next(height), next(width)];
      const bottom = top + 1 + next(height - top);
      const right = left + 1 + next(width - left);
      // 0 among the labels cuts holes, later labels nest in earlier ones
      const label = next(labels + 1) * 70000;
      for (let y = top; y < bottom; y++) {
        masks.fill(label, y * width + left, y * width + right);
      }
    }
  }
  return { masks, size: { height, width } };
});

test("outlines() equals the slow reference", () => {
  fc.assert(
    fc.property(labelImages, ({ masks, size }) => {
      expect(show(core.outlines(masks, size), size))
        .toEqual(show(drawOutlines(masks, size), size));
    }),
    { seed: 3, numRuns: 500 },
  );
});

test("outlines() leaves out holes, and components within a hole", () => {
  const rows = [
    "1111111",
    "1.....1",
    "1.111.1",
    "1.121.1",
    "1.111.1",
    "1.....1",
    "1111111",
  ];
  const masks = Uint32Array.from(rows.join("").replaceAll(".", "0"), Number);
  expect(show(core.outlines(masks, { height: 7, width: 7 }), { width: 7 }))
    .toEqual([
      "1111111",
      "1.....1",
      "1.....1",
      "1..1..1", // label 2
      "1.....1",
      "1.....1",
      "1111111",
    ]);
});

test("outlines() draws each plane of a volume by itself", () => {
  const masks = new Uint32Array(3 * 5 * 5).fill(7);
  const size = { depth: 3, height: 5, width: 5 };
  const plane = core.outlines(masks.subarray(0, 25), { height: 5, width: 5 });
  expect([...core.outlines(masks, size)]).toEqual([
    ...plane,
    ...plane,
    ...plane,
  ]);
  expect(plane.reduce((a, b) => a + b)).toBe(16);
});

test("outlines() of one pixel, of no label, of the greatest id", () => {
  const one = { height: 1, width: 1 };
  expect([...core.outlines(new Uint32Array([0]), one)]).toEqual([0]);
  expect([...core.outlines(new Uint32Array([2 ** 32 - 1]), one)]).toEqual([1]);
});

function show(outlines: Uint8Array, { width }: Pick<Size2D, "width">) {
  const rows: string[] = [];
  for (let i = 0; i < outlines.length; i += width) {
    rows.push(outlines.subarray(i, i + width).join("").replaceAll("0", "."));
  }
  return rows;
}
