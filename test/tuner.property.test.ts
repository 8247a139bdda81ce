/** A tuner gives the bits of `computeMasks`, whatever changed before. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MasksOptions, Size } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { createOutput } from "./network_output.ts";

const IMAGE: Size = { height: 61, width: 83 };
const VOLUME: Size = { depth: 9, height: 24, width: 25 };

const options = fc.record({
  niter: fc.constantFrom(0, 20, 200),
  cellprobThreshold: fc.constantFrom(-1, 0, 0.3, 100),
  flowThreshold: fc.constantFrom(0, 0.05, 0.2, 0.4),
  minSize: fc.constantFrom(-1, 0, 15, 60, 300),
  maxSizeFraction: fc.constantFrom(0, 0.02, 0.4, 1),
  fillHoles: fc.boolean(),
  parity: fc.boolean(),
  confidence: fc.boolean(),
  settled: fc.boolean(),
  earlyStop: fc.boolean(),
}, { requiredKeys: [] });

for (
  const [name, size] of [["an image", IMAGE], ["a volume", VOLUME]] as const
) {
  const { flows, cellprob } = createOutput(size, 9, 5);

  test(`createTuner() gives the masks of computeMasks() of ${name}, change after change`, () => {
    const tuner = core.createTuner(flows, cellprob, size);
    let cells = 0;
    fc.assert(
      fc.property(options, (chosen) => {
        const found = tuner.computeMasks(chosen as MasksOptions);
        const want = core.computeMasks(
          flows,
          cellprob,
          size,
          chosen as MasksOptions,
        );
        expect(found).toEqual(want);
        cells += found.count;
      }),
      { numRuns: 60, seed: 3 },
    );
    expect(cells).toBeGreaterThan(30);
  });
}

test("createTuner() takes the convention and the flow check of other programs", () => {
  const { flows, cellprob } = createOutput(IMAGE, 9, 5);
  const tuner = core.createTuner(flows, cellprob, IMAGE);
  for (
    const chosen of [
      { convention: "nearest" },
      { convention: "cellpose" },
      { convention: "plain", parity: true, flowCheck: "cell" },
      { convention: "plain", parity: true, flowCheck: "image" },
      { convention: "nearest", flowThreshold: 0 },
    ] as const
  ) {
    expect(tuner.computeMasks(chosen))
      .toEqual(core.computeMasks(flows, cellprob, IMAGE, chosen));
  }
});

test("endPoints() gives what followFlows() gives for the foreground", () => {
  const { flows, cellprob } = createOutput(IMAGE, 9, 5);
  const tuner = core.createTuner(flows, cellprob, IMAGE);
  const foreground = Uint8Array.from(cellprob, (p) => p > 0.3 ? 1 : 0);
  const want = core.followFlows(flows, foreground, IMAGE, { niter: 50 });
  const found = tuner.endPoints({ niter: 50, cellprobThreshold: 0.3 });
  expect(found).toEqual(want);
  expect(found.indices.length).toBeGreaterThan(100);
});

test("createTuner() refuses what computeMasks() refuses", () => {
  const { flows, cellprob } = createOutput(IMAGE, 9, 5);
  const tuner = core.createTuner(flows, cellprob, IMAGE);
  const broken = flows.slice();
  broken[7] = NaN;
  expect(() => core.createTuner(broken, cellprob, IMAGE)).toThrow(/index 7/);
  for (
    const wrong of [
      { niter: 1.5 },
      { minSize: 0.5 },
      { flowThreshold: NaN },
      { convention: "other" as "plain" },
      { convention: "nearest", confidence: true } as const,
      { convention: "nearest", settled: true } as const,
    ]
  ) {
    expect(() => tuner.computeMasks(wrong)).toThrow();
  }
  expect(() => tuner.endPoints({ convention: "nearest" })).toThrow();
});
