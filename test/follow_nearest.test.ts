/** Steps without interpolation, as Cellpose 3's size model takes them. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { putGuarded, reserveGuarded } from "./guarded.ts";
import { createOutput } from "./network_output.ts";

const arena = new Arena(core.module);

test("followNearest() takes the flow of the pixel a point is in", () => {
  for (const [h, w] of [[1, 1], [1, 9], [8, 1], [7, 5], [17, 23]]) {
    const random = createRandom(h * w);
    const n = h * w;
    const flows = Float32Array.from(
      { length: 2 * n },
      () => 3 * random() - 1.5,
    );
    const cellprob = Float32Array.from({ length: n }, () => random() - 0.3);
    for (const niter of [0, 1, 2, 40]) {
      const expected: number[] = [];
      for (let i = 0; i < n; i++) {
        if (!(cellprob[i] > 0)) continue;
        let [y, x] = [Math.floor(i / w), i % w];
        for (let step = 0; step < niter; step++) {
          const at = Math.trunc(y) * w + Math.trunc(x);
          if (!(cellprob[at] > 0)) continue;
          y = Math.min(h - 1, Math.max(0, Math.fround(y + flows[at])));
          x = Math.min(w - 1, Math.max(0, Math.fround(x + flows[n + at])));
        }
        expected.push(Math.trunc(y) * w + Math.trunc(x));
      }
      arena.scope((kernels) => {
        const sinks = reserveGuarded(arena, expected.length * 4);
        const from = putGuarded(arena, flows);
        const prob = putGuarded(arena, cellprob);
        kernels.followNearest(sinks.at, from.at, prob.at, h, w, niter, 0);
        sinks.check();
        from.check();
        expect([...arena.viewU32(sinks.at, expected.length)]).toEqual(expected);
      });
    }
  }
});

test("computeMasks() finds the cells without interpolation, too", () => {
  const size = { height: 160, width: 200 };
  const { flows, cellprob, labels } = createOutput(size, 20, 3);
  const { masks } = core.computeMasks(flows, cellprob, size, {
    convention: "nearest",
  });
  const [{ ap }] = core.averagePrecision(labels, masks, size, [0.5]);
  expect(ap).toBeGreaterThan(0.9);
});

test("computeMasks() refuses what has no steps without interpolation", () => {
  const size = { height: 4, width: 4 };
  const options = { convention: "nearest", confidence: true } as const;
  expect(() =>
    core.computeMasks(new Float32Array(32), new Float32Array(16), size, options)
  ).toThrow("convention");
});
