/** Tiles that are not told to have changed look as they did. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Labels } from "../../edge/web/edit/labels.ts";
import { applyRuns, diffRuns } from "../../edge/web/edit/log.ts";
import { pack, summarize } from "../../edge/web/edit/packed.ts";
import {
  changedByColors,
  changedByRuns,
  type IsChanged,
} from "../../edge/web/view/changed.ts";
import {
  carryColors,
  labelTable,
  stableColor,
} from "../../edge/web/view/colors.ts";
import { levelSize, TILE } from "../../edge/web/view/geometry.ts";
import { drawOverlay } from "../../edge/web/view/overlay.ts";

/** 3×3 tiles, the last of a few pixels. */
const SIZE = { height: 2 * TILE + 5, width: 2 * TILE + 9 };

const box = fc.record({
  label: fc.integer({ min: 0, max: 5 }),
  y: fc.nat(SIZE.height - 1),
  x: fc.nat(SIZE.width - 1),
  height: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 40 }),
});
type Box = {
  label: number;
  y: number;
  x: number;
  height: number;
  width: number;
};

function paint(masks: Uint32Array, boxes: readonly Box[]): Uint32Array {
  const out = masks.slice();
  for (const { label, y, x, height, width } of boxes) {
    for (let row = y; row < Math.min(SIZE.height, y + height); row++) {
      const from = row * SIZE.width + x;
      out.fill(label, from, from + Math.min(width, SIZE.width - x));
    }
  }
  return out;
}

/** Tiles of all levels that differ, and whether that was told. */
function missed(
  a: { masks: Labels; colors: Uint32Array },
  b: { masks: Labels; colors: Uint32Array },
  isChanged: IsChanged,
): { missed: string[]; drawn: number } {
  const found: string[] = [];
  let drawn = 0;
  const draw = (
    { masks, colors }: typeof a,
    at: { level: number; column: number; row: number },
  ) => {
    const color = (label: number) => stableColor(colors[label]);
    const fill = labelTable(colors.length - 1, color, 99);
    return drawOverlay({ masks, fill, hasOutlines: true }, SIZE, at).pixels;
  };
  for (let level = 0; level <= 2; level++) {
    const { height, width } = levelSize(SIZE, level);
    for (let row = 0; row * TILE < height; row++) {
      for (let column = 0; column * TILE < width; column++) {
        const at = { level, column, row };
        if (isChanged(at)) {
          drawn++;
          continue;
        }
        const [before, after] = [draw(a, at), draw(b, at)];
        if (before.some((pixel, i) => pixel !== after[i])) {
          found.push(JSON.stringify(at));
        }
      }
    }
  }
  return { missed: found, drawn };
}

test("changedByRuns() and changedByColors() miss no tile", () => {
  let drawn = 0;
  fc.assert(
    fc.property(
      fc.array(box, { maxLength: 12 }),
      fc.array(box, { maxLength: 2 }),
      (first, second) => {
        const plain = paint(new Uint32Array(SIZE.height * SIZE.width), first);
        const masks = new Labels(pack(plain), SIZE);
        const edited = new Labels(pack(paint(plain, second)), SIZE);
        const colors = Uint32Array.of(0, 3, 1, 4, 2, 5);
        const runs = diffRuns(masks, edited);
        const fork = masks.fork();
        applyRuns(fork, runs, "after");
        const byRuns = missed(
          { masks, colors },
          { masks: fork, colors },
          changedByRuns(runs, SIZE),
        );
        expect(byRuns.missed).toEqual([]);
        drawn += byRuns.drawn;

        // other numbers for the same cells: colors are carried over
        const renamed = pack(paint(plain, second).map((l) => l && 9 - l));
        const { areas } = summarize(renamed);
        const next = carryColors(
          { packed: masks.pack(), colors },
          renamed,
          areas.length - 1,
        );
        const byColors = missed(
          { masks, colors },
          { masks: new Labels(renamed, SIZE), colors: next },
          changedByColors(
            { packed: masks.pack(), colors },
            { packed: renamed, colors: next },
            SIZE,
          ) as IsChanged,
        );
        expect(byColors.missed).toEqual([]);
      },
    ),
    { numRuns: 30 },
  );
  // 9 + 4 + 1 tiles a run: not all of them are drawn again
  expect(drawn).toBeLessThan(30 * 13);
  expect(drawn).toBeGreaterThan(30);
});
