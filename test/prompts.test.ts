/** What surrounds a network that answers prompts. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";

const arena = new Arena(core.module);

/** Triangle filter of one line, by its definition. */
function resampleLine(line: readonly number[], target: number): number[] {
  const scale = line.length / target;
  const support = Math.max(scale, 1);
  return Array.from({ length: target }, (_, at) => {
    const center = (at + 0.5) * scale;
    let [sum, weights] = [0, 0];
    for (const [i, value] of line.entries()) {
      const weight = Math.max(0, 1 - Math.abs(i + 0.5 - center) / support);
      sum += weight * value;
      weights += weight;
    }
    return sum / weights;
  });
}

test("resampleImage() is a triangle filter along both axes", () => {
  const random = createRandom(1);
  for (
    const [h, w, h2, w2] of [[1, 1, 4, 3], [9, 5, 4, 3], [4, 7, 9, 2], [
      6,
      6,
      6,
      6,
    ]]
  ) {
    const image = Float32Array.from({ length: 2 * h * w }, () => random());
    const out = core.resampleImage(
      image,
      { channels: 2, height: h, width: w },
      { height: h2, width: w2 },
    );
    for (const c of [0, 1]) {
      const rows = Array.from(
        { length: h },
        (_, y) =>
          resampleLine([
            ...image.subarray((c * h + y) * w, (c * h + y + 1) * w),
          ], w2),
      );
      for (let x = 0; x < w2; x++) {
        const column = resampleLine(rows.map((row) => row[x]), h2);
        for (let y = 0; y < h2; y++) {
          expect(out[(c * h2 + y) * w2 + x]).toBeCloseTo(column[y], 5);
        }
      }
    }
  }
});

test("resampleImage() keeps bytes whole, and a plain image as it is", () => {
  const random = createRandom(2);
  const size = { height: 11, width: 13 };
  const image = Float32Array.from(
    { length: 143 },
    () => Math.floor(256 * random()),
  );
  expect(core.resampleImage(image, size, size, true)).toEqual(image);
  const small = core.resampleImage(image, size, { height: 5, width: 4 }, true);
  expect(small.every((v) => Number.isInteger(v) && v >= 0 && v <= 255))
    .toBe(true);
  const white = new Float32Array(143).fill(255);
  const large = { height: 20, width: 30 };
  expect(core.resampleImage(white, size, large, true))
    .toEqual(new Float32Array(600).fill(255));
});

test("resampleTriangle() stays within its arrays", () => {
  for (const n of LENGTHS.slice(1)) {
    arena.scope((kernels) => {
      const from = putGuarded(arena, new Float32Array(n * 7).fill(3));
      const out = reserveGuarded(arena, 4 * 5 * n);
      const before = kernels.mark();
      expect(kernels.resampleTriangle(out.at, from.at, 1, n, 7, 5, n, 0)).toBe(
        0,
      );
      expect(kernels.mark()).toBe(before);
      out.check();
      from.check();
    });
  }
});

test("placeImage() standardizes each channel and fills the rest", () => {
  const image = Float32Array.of(1, 2, 3, 4, 10, 20, 30, 40);
  const placed = core.placeImage(
    image,
    { channels: 2, height: 2, width: 2 },
    { height: 2, width: 3 },
    { mean: [1, 10], deviation: [1, 10], fill: -9 },
  );
  expect([...placed]).toEqual([0, 1, -9, 2, 3, -9, 0, 1, -9, 2, 3, -9]);
  expect(() =>
    core.placeImage(image, { height: 2, width: 4 }, { height: 2, width: 3 }, {
      mean: [0],
      deviation: [1],
    })
  ).toThrow("smaller");
});

test("toBytes() cuts off and rounds", () => {
  const values = Float32Array.of(-1, 0, 0.5, 1, 2, 0.001);
  expect([...core.toBytes(values)]).toEqual([0, 0, 128, 255, 255, 0]);
});

test("selectLabel() refuses a label that is not there, and the background", () => {
  const masks = Uint32Array.of(0, 2, 2, 70000);
  const size = { height: 2, width: 2 };
  expect([...core.selectLabel(masks, size, 2)]).toEqual([0, 1, 1, 0]);
  expect([...core.selectLabel(masks, size, 70000)]).toEqual([0, 0, 0, 1]);
  expect(() => core.selectLabel(masks, size, 3)).toThrow("3 is not in");
  expect(() => core.selectLabel(masks, size, 0)).toThrow("0 is not in");
});

test("paintCell() erases the old cell and spares the others", () => {
  const masks = Uint32Array.of(5, 5, 0, 0, 9, 9);
  const logits = Float32Array.of(-1, 1, 1, 0, 2, -2);
  const size = { height: 2, width: 3 };
  const painted = core.paintCell(masks, logits, size, 5);
  expect([...painted.masks]).toEqual([0, 5, 5, 0, 9, 9]);
  expect(painted).toMatchObject({ area: 2, taken: 1 });
  expect([...masks]).toEqual([5, 5, 0, 0, 9, 9]);
  expect(() => core.paintCell(masks, logits, size, 0)).toThrow("label");
});
