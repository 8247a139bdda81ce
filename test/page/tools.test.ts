import { expect, test } from "vitest";
import { Labels } from "../../edge/web/edit/labels.ts";
import { applyRuns, type Runs } from "../../edge/web/edit/log.ts";
import { pack } from "../../edge/web/edit/packed.ts";
import { strokePixels } from "../../edge/web/edit/shapes.ts";
import {
  brush,
  type Canvas,
  fillHoles,
  lassoed,
  nextLabel,
  polygon,
  relabel,
  resize,
  split,
} from "../../edge/web/edit/tools.ts";

/** Labels drawn with digits; a dot is background. */
function draw(...rows: string[]): Canvas {
  const size = { height: rows.length, width: rows[0].length };
  const labels = Uint32Array.from(
    rows.join(""),
    (letter) => letter === "." ? 0 : Number(letter),
  );
  return { masks: new Labels(pack(labels), size), size };
}

function after({ masks, size }: Canvas, runs: Runs): string[] {
  const out = masks.fork();
  applyRuns(out, runs, "after");
  const text = [...out.toArray()].map((label) => label === 0 ? "." : label)
    .join("");
  return Array.from(
    { length: size.height },
    (_, y) => text.slice(y * size.width, (y + 1) * size.width),
  );
}

test("brush() paints on the background and leaves other cells", () => {
  const canvas = draw(".....", "..2..", ".....");
  const stroke = [{ x: 0.5, y: 1.5 }, { x: 4.5, y: 1.5 }];
  expect(after(canvas, brush(canvas, stroke, { label: 1, radius: 0.5 })))
    .toEqual([".....", "11211", "....."]);
  expect(
    after(
      canvas,
      brush(canvas, stroke, { label: 1, radius: 0.5, over: true }),
    ),
  ).toEqual([".....", "11111", "....."]);
  expect(after(canvas, brush(canvas, stroke, { label: 0, radius: 0.5 })))
    .toEqual([".....", ".....", "....."]);
});

test("strokePixels() leaves no gap and stays within the image", () => {
  const size = { height: 20, width: 30 };
  const pixels = strokePixels(
    [{ x: -5, y: 3 }, { x: 40, y: 17 }],
    0.5,
    size,
  );
  const columns = new Set(pixels.map((i) => i % size.width));
  expect(columns.size).toBe(size.width);
  expect(Math.max(...pixels)).toBeLessThan(size.height * size.width);
  expect(pixels).toEqual([...pixels].sort((a, b) => a - b));
});

test("polygon() fills its inside, beside other cells", () => {
  const canvas = draw("......", "..3...", "......", "......");
  const square = [
    { x: 1, y: 0 },
    { x: 5, y: 0 },
    { x: 5, y: 3 },
    { x: 1, y: 3 },
  ];
  expect(after(canvas, polygon(canvas, square, 4)))
    .toEqual([".4444.", ".4344.", ".4444.", "......"]);
  expect(polygon(canvas, square.slice(0, 2), 4)).toHaveLength(0);
});

test("fillHoles() fills what a cell encloses, not what is open", () => {
  const canvas = draw("1111.", "1..1.", "1111.", "1.1..", "1.1..");
  expect(after(canvas, fillHoles(canvas, 1)))
    .toEqual(["1111.", "1111.", "1111.", "1.1..", "1.1.."]);
});

test("split() makes two cells and loses no pixel", () => {
  const canvas = draw(
    ".........",
    ".1111111.",
    ".1111111.",
    ".1111111.",
    ".........",
  );
  const stroke = [{ x: 5.5, y: 0.5 }, { x: 5.5, y: 4.5 }];
  const parts = after(canvas, split(canvas, stroke)).join("");
  const count = (label: string) => parts.split(label).length - 1;
  expect(count("1") + count("2")).toBe(21);
  expect(count("2")).toBeGreaterThan(3);
  expect(count("1")).toBeGreaterThan(count("2"));
  // one that goes half way separates nothing
  const half = [{ x: 5.5, y: 0.5 }, { x: 5.5, y: 1.5 }];
  expect(split(canvas, half)).toHaveLength(0);
});

test("relabel() merges and deletes; lassoed() finds what is inside", () => {
  const canvas = draw("11.22", "11.22", "....3");
  expect(after(canvas, relabel(canvas, [2], 1)))
    .toEqual(["11.11", "11.11", "....3"]);
  expect(after(canvas, relabel(canvas, [1, 3], 0)))
    .toEqual(["...22", "...22", "....."]);
  const left = [
    { x: 0, y: 0 },
    { x: 3.6, y: 0 },
    { x: 3.6, y: 3 },
    { x: 0, y: 3 },
  ];
  expect(lassoed(canvas, left)).toEqual([1]);
  expect(nextLabel(canvas.masks)).toBe(4);
});

test("resize() grows onto the background and shrinks from it", () => {
  const canvas = draw(".....", "..1..", ".112.", "..1..", ".....");
  expect(after(canvas, resize(canvas, 1, "grow")))
    .toEqual(["..1..", ".111.", "1112.", ".111.", "..1.."]);
  const block = draw(".....", ".111.", ".111.", ".111.", ".....");
  expect(after(block, resize(block, 1, "shrink")))
    .toEqual([".....", ".....", "..1..", ".....", "....."]);
  const whole = draw("111", "111");
  expect(after(whole, resize(whole, 9, "grow"))).toEqual(["111", "111"]);
});
