import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";
import { seededRandom } from "./reference/scenes.ts";

interface Area {
  height: number;
  width: number;
}

/** Flood the image around each label; its pixels beside the flood are edge. */
function slowEdges(labels: Uint32Array, { height, width }: Area): Uint8Array {
  const out = new Uint8Array(labels.length);
  for (const label of new Set(labels)) {
    if (label === 0) continue;
    const isLabel = (y: number, x: number) => labels[y * width + x] === label;
    const isOn = (y: number, x: number) =>
      y >= 0 && x >= 0 && y < height && x < width;
    const reached = new Set<string>();
    const queue: [number, number][] = [[-1, -1]];
    while (queue.length > 0) {
      const [y, x] = queue.pop()!;
      if (y < -1 || x < -1 || y > height || x > width) continue;
      if (isOn(y, x) && isLabel(y, x)) {
        out[y * width + x] = 1;
        continue;
      }
      if (reached.has(`${y} ${x}`)) continue;
      reached.add(`${y} ${x}`);
      queue.push([y - 1, x], [y + 1, x], [y, x - 1], [y, x + 1]);
    }
  }
  return out;
}

function runKernel(
  labels: Uint32Array,
  { height, width }: Area,
  count: number,
) {
  const arena = new Arena(core.module);
  return arena.scope((kernels) => {
    const n = labels.length;
    const out = arena.put(new Uint8Array(n + 2).fill(0xab));
    const at = arena.put(labels);
    expect(kernels.outerEdges(out + 1, at, height, width, count)).toBe(0);
    const got = arena.viewU8(out, n + 2);
    expect([got[0], got[n + 1]]).toEqual([0xab, 0xab]);
    expect(arena.viewU32(at, n)).toEqual(labels);
    return got.slice(1, -1);
  });
}

test("outerEdges kernel equals a flood around each label, guards intact", () => {
  const random = seededRandom(1);
  for (const height of [1, 3, 4, 5, 8, 17]) {
    for (const width of [1, 3, 4, 5, 8, 17]) {
      for (const count of [1, 2, 4]) {
        // few labels: many holes, nested labels, labels inside their own holes
        const labels = Uint32Array.from(
          { length: height * width },
          () => Math.max(0, Math.floor(random() * (count + 2)) - 1),
        ).map((label) => label > count ? 1 : label);
        expect(runKernel(labels, { height, width }, count))
          .toEqual(slowEdges(labels, { height, width }));
      }
    }
  }
});

test("outerEdges kernel marks no edge of a hole, nor what lies in it", () => {
  const rows = ["1111111", "1000001", "1011101", "1000001", "1111111"];
  const labels = Uint32Array.from(rows.join(""), Number);
  const edges = runKernel(labels, { height: 5, width: 7 }, 1);
  expect(edges).toEqual(slowEdges(labels, { height: 5, width: 7 }));
  expect(edges[2 * 7 + 3]).toBe(0);
});
