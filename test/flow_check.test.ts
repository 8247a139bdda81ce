/** The flow check of Cellpose 3 on a processor: each label in its own box. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";
import { fromPicture } from "./labels.ts";
import { createOutput } from "./network_output.ts";

const arena = new Arena(core.module);

/** Heat of one label in its box, by numpy's order of sums, then its flows. */
function loneErrors(
  labels: Uint32Array,
  flows: Float32Array,
  { height, width }: { height: number; width: number },
): number[] {
  const count = Math.max(...labels);
  return Array.from({ length: count }, (_, k) => {
    const own = [...labels.keys()].filter((i) => labels[i] === k + 1);
    const ys = own.map((i) => Math.floor(i / width));
    const xs = own.map((i) => i % width);
    const [top, left] = [Math.min(...ys), Math.min(...xs)];
    const h = Math.max(...ys) - top + 3;
    const w = Math.max(...xs) - left + 3;
    const mean = (values: number[]) =>
      values.reduce((a, b) => a + b) / values.length;
    const [my, mx] = [mean(ys), mean(xs)];
    const far = own.map((_, i) => (xs[i] - mx) ** 2 + (ys[i] - my) ** 2);
    const center = far.indexOf(Math.min(...far));
    const at = own.map((_, i) => (ys[i] - top + 1) * w + xs[i] - left + 1);
    let heat = new Float64Array(h * w);
    for (let step = 0; step < 2 * (h + w); step++) {
      heat[at[center]] += 1;
      const next = new Float64Array(h * w);
      for (const i of at) {
        let sum = 0;
        for (const dy of [-w, 0, w]) {
          for (const dx of [-1, 0, 1]) sum += heat[i + dy + dx];
        }
        next[i] = sum / 9;
      }
      heat = next;
    }
    return mean(own.map((pixel, i) => {
      const dy = heat[at[i] + w] - heat[at[i] - w];
      const dx = heat[at[i] + 1] - heat[at[i] - 1];
      const norm = Math.hypot(dy, dx) || 1;
      return (dy / norm - flows[pixel]) ** 2 +
        (dx / norm - flows[height * width + pixel]) ** 2;
    }));
  });
}

test("flowErrors() measures each label alone, with Cellpose 3's steps", () => {
  const { masks: labels, size } = fromPicture(`
    ..............
    .11111.2222...
    .111111222222.
    .11111122222..
    ..111..33333..
    .......333333.
    ........33....
  `);
  const { height, width } = size;
  const flows = core.labelsToFlows(labels, size).map((v, i) => v + (i % 7) / 9);
  const expected = loneErrors(labels, flows, { height, width });
  const measure = (parity: number) =>
    arena.scope((kernels) => {
      const errors = arena.reserve(24);
      kernels.flowErrors(
        errors,
        arena.put(flows),
        arena.put(labels),
        1,
        height,
        width,
        3,
        0,
        parity,
      );
      return [...arena.viewF64(errors, 3)];
    });
  const ours = measure(2);
  for (const [k, value] of expected.entries()) {
    expect(ours[k]).toBeCloseTo(value, 6);
  }
  expect(ours).not.toEqual(measure(1));
  expect(ours).not.toEqual(measure(0));
});

test("computeMasksBySlab() checks cell by cell as computeMasks()", async () => {
  const size = { height: 150, width: 130 };
  const { flows, cellprob } = createOutput(size, 30, 4);
  const options = {
    parity: true,
    flowCheck: "cell",
    flowThreshold: 0.05,
  } as const;
  const whole = core.computeMasks(flows, cellprob, size, options);
  const slabs = await core.computeMasksBySlab(flows, cellprob, size, {
    ...options,
    slabRows: 40,
  });
  expect(slabs.masks).toEqual(whole.masks);
  expect(whole.count).toBeGreaterThan(3);
  expect(whole.dropped.badFlow).toBeGreaterThan(0);
});
