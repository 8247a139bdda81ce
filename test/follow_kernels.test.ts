/** Kernels that follow flows, called directly, between guard bytes. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";

const arena = new Arena(core.module);
/** One pixel of a fixed-point position. */
const ONE = 2 ** 14;

const floats = (length: number, seed: number, scale = 4) => {
  const next = createRandom(seed);
  return Float32Array.from({ length }, () => scale * (next() - 0.5));
};

/** Noisy flows on a small block, with all that the follow kernels need. */
function createBlock(d: number, h: number, w: number, plain: number) {
  const axes = d === 1 ? 2 : 3;
  const n = d * h * w;
  const { kernels } = arena;
  const packed = reserveGuarded(arena, kernels.packedBytes(d, h, w));
  const cellprob = arena.put(floats(n, 8).map((v) => v + 1));
  const flows = arena.put(floats(axes * n, 9, 6));
  kernels.packFlows(packed.at, flows, cellprob, d, h, w, d, h, w, plain, 0);
  const window = reserveGuarded(arena, axes === 2 ? 32 : 64);
  kernels.wholeWindow(window.at, d, h, w, plain);
  window.check();
  const next = createRandom(10);
  const start = (count: number) =>
    Int32Array.from(
      { length: count * axes },
      (_, i) => {
        const length = [d, h, w][i % axes + 3 - axes];
        return Math.floor(next() * length + 1) * ONE;
      },
    );
  const follow = (
    starts: Int32Array,
    niter: number | Int32Array,
    early: number,
  ) => {
    const count = starts.length / axes;
    const points = putGuarded(arena, starts);
    const settled = reserveGuarded(arena, count);
    arena.viewU8(settled.at, count).fill(0);
    const left = typeof niter === "number"
      ? undefined
      : putGuarded(arena, niter);
    const steps = typeof niter === "number" ? niter : 0;
    const leftAt = left?.at ?? 0;
    const before = kernels.mark();
    const result = axes === 2
      ? kernels.followFlows(
        points.at,
        leftAt,
        settled.at,
        packed.at,
        window.at,
        count,
        w,
        steps,
        early,
      )
      : kernels.followFlows3d(
        points.at,
        leftAt,
        settled.at,
        packed.at,
        window.at,
        count,
        h,
        w,
        steps,
        early,
      );
    expect(result).toBe(0);
    expect(kernels.mark()).toBe(before);
    for (const part of [points, settled, packed, window, left]) part?.check();
    if (left) {
      expect([...arena.viewI32(left.at, count)].every((s) => s === 0))
        .toBe(true);
    }
    return {
      points: arena.viewI32(points.at, count * axes).slice(),
      settled: arena.viewU8(settled.at, count).slice(),
    };
  };
  return { start, follow, axes };
}

for (const [name, d, h, w] of [["2-D", 1, 9, 11], ["3-D", 4, 5, 6]] as const) {
  test(`followFlows() gives each of any number of points its own path, ${name}`, () => {
    for (const plain of [0, 1]) {
      for (const count of [...LENGTHS, 31, 32, 33, 70]) {
        arena.scope(() => {
          const { start, follow, axes } = createBlock(d, h, w, plain);
          const starts = start(count);
          for (const niter of [0, 1, 2, 3, 7, 200]) {
            const all = follow(starts, niter, 1);
            // with and without early stop, to the bit, flags too
            expect(follow(starts, niter, 0)).toEqual(all);
            if (niter === 0) expect(all.points).toEqual(starts);
            // alone, in another order, and with their own numbers of steps
            for (let i = 0; i < count; i += 5) {
              const one = follow(
                starts.slice(i * axes, (i + 1) * axes),
                niter,
                1,
              );
              expect(one.points)
                .toEqual(all.points.slice(i * axes, (i + 1) * axes));
              expect(one.settled[0]).toBe(all.settled[i]);
            }
            const steps = Int32Array.from(
              { length: count },
              (_, i) => [niter, 0, 3][i % 3],
            );
            const mixed = follow(starts, steps, 1);
            const three = follow(starts, 3, 1);
            for (let i = 0; i < count; i++) {
              const from = [all.points, starts, three.points][i % 3];
              expect(mixed.points.slice(i * axes, (i + 1) * axes))
                .toEqual(from.slice(i * axes, (i + 1) * axes));
            }
          }
        });
      }
    }
  });

  test(`followFlows() takes steps one after the other, ${name}`, () => {
    arena.scope(() => {
      const { start, follow } = createBlock(d, h, w, 1);
      const starts = start(17);
      let step = starts;
      for (let t = 1; t <= 9; t++) {
        step = follow(step, 1, 1).points;
        expect(follow(starts, t, 1).points).toEqual(step);
      }
    });
  });

  test(`followFlows() flags the paths that rest or repeat, ${name}`, () => {
    arena.scope(() => {
      const { start, follow, axes } = createBlock(d, h, w, 1);
      const starts = start(70);
      const far = follow(starts, 400, 1);
      const on = follow(starts, 401, 1);
      const back = follow(starts, 402, 1);
      let resting = 0;
      for (let i = 0; i < 70; i++) {
        const slice = (points: Int32Array) =>
          [...points.subarray(i * axes, (i + 1) * axes)].join();
        const repeats = slice(far.points) === slice(back.points);
        expect(back.settled[i]).toBe(repeats ? 1 : 0);
        if (slice(far.points) === slice(on.points)) resting++;
      }
      expect(resting).toBeGreaterThan(0);
      expect(back.settled.some((flag) => flag === 1)).toBe(true);
    });
  });
}

test("followFlows() hands back a point that leaves the window, with its steps", () => {
  const [h, w] = [40, 3];
  arena.scope((kernels) => {
    const n = h * w;
    const flows = new Float32Array(2 * n).fill(1, 0, n);
    const packed = arena.reserve(kernels.packedBytes(1, h, w));
    kernels.packFlows(
      packed,
      arena.put(flows),
      arena.put(new Float32Array(n).fill(1)),
      1,
      h,
      w,
      1,
      h,
      w,
      1,
      0,
    );
    const window = arena.reserve(32);
    kernels.wholeWindow(window, 1, h, w, 1);
    // leave below row 20
    arena.viewI32(window, 8)[6] = 21 * ONE;
    const points = arena.put(
      Int32Array.of(ONE, ONE, 31 * ONE, 2 * ONE, 20 * ONE, ONE),
    );
    const left = arena.put(Int32Array.of(30, 30, 1));
    expect(kernels.followFlows(points, left, 0, packed, window, 3, w, 0, 1))
      .toBe(0);
    // two steps at a time: the first left at row 22 after 22 of its 30 steps
    expect([...arena.viewI32(points, 6)])
      .toEqual([23 * ONE, ONE, 33 * ONE, 2 * ONE, 21 * ONE, ONE]);
    expect([...arena.viewI32(left, 3)]).toEqual([8, 28, 0]);
  });
});
