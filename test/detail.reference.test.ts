import { expect, test } from "vitest";
import { ArgumentError, ShapeError } from "../shared/errors.ts";
import { createRandom } from "../shared/synthetic/random.ts";
import { core } from "./core.ts";

const [C, H, W] = [2, 20, 24];
const random = createRandom(4);
const image = Float32Array.from(
  { length: C * H * W },
  () => random.between(-0.5, 2),
);
const logits = Float32Array.from({ length: H * W }, () => random.normal());

test("measureDetail() sums clipped gradients by probability, without padding", () => {
  const options = { size: { height: H, width: W }, rows: 16, columns: 17 };
  const found = core.measureDetail(image, logits, { ...options, block: 8 });
  expect(found).toHaveLength(2 * 2);
  const clip = (v: number) => Math.min(Math.max(v, 0), 1.5);
  for (let by = 0; by < 2; by++) {
    for (let bx = 0; bx < 2; bx++) {
      let sum = 0;
      for (let c = 0; c < C; c++) {
        for (let y = 8 * by; y < Math.min(8 * by + 8, 15); y++) {
          for (let x = 8 * bx; x < Math.min(8 * bx + 8, 16); x++) {
            const at = (yy: number, xx: number) =>
              clip(image[(c * H + yy) * W + xx]);
            const length = Math.hypot(
              at(y + 1, x) - at(y, x),
              at(y, x + 1) - at(y, x),
            );
            sum += length * (0.1 + 1 / (1 + Math.exp(-logits[y * W + x])));
          }
        }
      }
      expect(found[2 * by + bx]).toBeCloseTo(sum, 3);
    }
  }
});

test("measureDetail() refuses what does not fit", () => {
  const size = { height: H, width: W };
  const call = (rows: number, given: Float32Array) => () =>
    core.measureDetail(image, given, { size, rows, columns: W, block: 8 });
  expect(call(H + 1, logits)).toThrow(ArgumentError);
  expect(call(H, logits.subarray(1))).toThrow(ShapeError);
});
