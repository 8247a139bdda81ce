import { expect, test } from "vitest";
import {
  resampleTable,
  toOffsets,
} from "../../gpu-worker/import/relative_position.ts";

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i);

test("resampleTable() reads at half-pixel places, as the peer does", () => {
  const longer = resampleTable(ramp(27), { from: 27, to: 63 });
  expect([...longer.slice(0, 4)].map((v) => Number(v.toFixed(5))))
    .toEqual([0, 0.14286, 0.57143, 1]);
  expect(longer[62]).toBe(26);
  const shorter = resampleTable(ramp(127), { from: 127, to: 63 });
  expect([...shorter.slice(0, 3)].map((v) => Number(v.toFixed(5))))
    .toEqual([0.50794, 2.52381, 4.53968]);
  expect(shorter[62]).toBeCloseTo(125.49206, 4);
  const same = ramp(5);
  expect(resampleTable(same, { from: 5, to: 5 })).toBe(same);
});

test("toOffsets() lays out p − q", () => {
  // two numbers a row: 10·row and 10·row + 1
  const table = Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31, 40, 41);
  const out = toOffsets(table, { edge: 3, scale: 2 });
  const at = (p: number, i: number, q: number) => out[(p * 2 + i) * 3 + q];
  for (let p = 0; p < 3; p++) {
    for (let q = 0; q < 3; q++) {
      expect(at(p, 0, q)).toBe(2 * 10 * (p - q + 2));
      expect(at(p, 1, q)).toBe(2 * (10 * (p - q + 2) + 1));
    }
  }
});
