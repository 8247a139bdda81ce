import { expect, test } from "vitest";
import {
  assumeTable,
  countLooks,
  type KnownLook,
  readTable,
  weighLooks,
  writeTable,
} from "../../shared/pipeline/look_table.ts";
import { ArgumentError } from "../../shared/errors.ts";

const RANGE = [6, 160] as const;

/** A network whose cells are right near 20 pixels and at 15 elsewhere. */
function tell(truth: number): Pick<KnownLook, "style" | "cells"> {
  const isNear = truth > 10 && truth < 40;
  return {
    style: truth * (truth > 30 ? 0.6 : 1.2),
    cells: isNear ? truth : truth > 80 ? null : 15,
  };
}

const table = countLooks(
  Array.from({ length: 60 }, (_, i) => 2.5 * 2 ** (i / 10))
    .map((truth) => ({ ...tell(truth), scale: 1, truth, weight: 1 })),
);

test.each([8, 15, 30, 55, 110])(
  "weighLooks() finds %i pixels where single looks mislead",
  (diameter) => {
    const looks = [0.25, 0.5, 1, 2]
      .map((scale) => ({ scale, ...tell(diameter * scale) }));
    const found = weighLooks(looks, table, RANGE);
    expect(Math.abs(Math.log2(found / diameter))).toBeLessThan(0.2);
  },
);

test("weighLooks() takes the prior's diameter without a look, within the range", () => {
  expect(weighLooks([], table, RANGE)).toBeCloseTo(28, 0);
  expect(weighLooks([], table, [40, 160])).toBeGreaterThan(40);
});

test("weighLooks() changes little where a look changes little", () => {
  const look = { scale: 1, style: 20, cells: 17 };
  const a = weighLooks([look], table, RANGE);
  const b = weighLooks([{ ...look, cells: 17.001 }], table, RANGE);
  expect(b).not.toBe(a);
  expect(Math.abs(b - a)).toBeLessThan(1e-2);
});

test("countLooks() gives shares, and no opinion on sizes never seen", () => {
  for (const row of [...table.style, ...table.cells]) {
    expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  }
  const few = countLooks([
    { scale: 1, truth: 20, style: 20, cells: null, weight: 3 },
  ]);
  const [unseen] = few.style;
  expect(new Set(unseen).size).toBe(1);
  // "too few cells" is all that was ever told at 20 pixels
  expect(few.cells[Math.round((Math.log2(20) - 1) * 4)][0]).toBe(1);
});

test("readTable() reads what writeTable() wrote, and refuses others", () => {
  const again = readTable(JSON.parse(JSON.stringify(writeTable(table))));
  for (const [i, row] of table.cells.entries()) {
    for (const [j, share] of row.entries()) {
      expect(again.cells[i][j]).toBeCloseTo(share, 4);
    }
  }
  expect(() => readTable({ style: ["1 2"], cells: [] })).toThrow(ArgumentError);
});

test("assumeTable() believes cells near the network's own size", () => {
  const looks = [
    { scale: 0.5, style: 14, cells: 11 },
    { scale: 1, style: 30, cells: 22 },
    { scale: 2, style: 45, cells: 21 },
  ];
  const found = weighLooks(looks, assumeTable(20), RANGE);
  expect(found).toBeGreaterThan(19);
  expect(found).toBeLessThan(27);
});
