/** Training steps among the cases: what passes and what fails. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readOptimizer } from "../../cli/conformance/optimizer_text.ts";
import { type Outcome, runConformance } from "../../cli/conformance/run.ts";
import { core } from "../core.ts";
import { STEPS, unpackSteps } from "../import/models.ts";

const SMALL = "cellpose_sam_0";

/** Run cases after changing the folder of the first. */
async function runChanged(
  ids: readonly string[],
  change: (folder: string) => void = () => {},
): Promise<Outcome[]> {
  const root = unpackSteps(ids);
  change(join(root, ids[0]));
  const outcomes: Outcome[] = [];
  for await (const outcome of runConformance(core, root)) {
    outcomes.push(outcome);
  }
  rmSync(root, { recursive: true });
  return outcomes;
}

function edit(
  folder: string,
  change: (facts: Record<string, unknown>) => void,
) {
  const path = join(folder, "case.json");
  const facts = JSON.parse(readFileSync(path, "utf8"));
  change(facts);
  writeFileSync(path, JSON.stringify(facts));
}

test("runConformance() trains as the peer does, for two shapes", async () => {
  const outcomes = await runChanged(STEPS);
  expect(outcomes.map(({ id, status }) => [id, status]))
    .toEqual(STEPS.map((id) => [id, "PASS"]));
  for (const { checks } of outcomes) {
    const gradients = checks.filter(({ name }) => name.startsWith("gradient"));
    // the tables of positions, of other lengths than the grid's, among them
    expect(gradients.map(({ name }) => name))
      .toContain("gradient of encoder.blocks.0.attn.rel_pos_h");
    expect(Math.max(...gradients.map(({ error }) => error)))
      .toBeLessThan(2e-5);
    const frozen = checks.filter(({ name }) =>
      /^(W2|diam_|encoder\.patch_embed)/.test(name)
    );
    expect(frozen.map(({ error }) => error)).toEqual([0, 0, 0, 0, 0]);
  }
});

test.each<[string, (folder: string) => void, RegExp]>([
  [
    "another learning rate",
    (folder) =>
      edit(folder, (facts) => {
        facts.optimizer = String(facts.optimizer).replace("1e-3", "2e-3");
      }),
    /losses .*after training/,
  ],
  [
    "another loss",
    (folder) =>
      edit(folder, (facts) => {
        (facts.losses as number[])[1] += 2e-4;
      }),
    /^losses 0\.0002\d* /,
  ],
  [
    "layer drop",
    (folder) =>
      edit(folder, (facts) => {
        facts.layer_drop = 0.4;
      }),
    /only off is compared/,
  ],
  [
    "no targets",
    (folder) => rmSync(join(folder, "labels_cellprob_flows.npy")),
    /labels_cellprob_flows\.npy is missing/,
  ],
])(
  "runConformance() fails a training case of %s",
  async (_, change, message) => {
    const [outcome] = await runChanged([SMALL], change);
    expect(outcome.status).toBe("FAIL");
    expect(outcome.message).toMatch(message);
  },
);

test("readOptimizer() reads settings in any order, with PyTorch's defaults", () => {
  expect(readOptimizer(
    "AdamW lr=1e-3 weight_decay=0.1 betas=(0.9,0.999) eps=1e-8",
  )).toEqual({
    rate: 1e-3,
    weightDecay: 0.1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  });
  expect(readOptimizer("AdamW betas=(0.8, 0.99), lr=5e-05")).toEqual({
    rate: 5e-5,
    weightDecay: 1e-2,
    beta1: 0.8,
    beta2: 0.99,
    epsilon: 1e-8,
  });
  expect(readOptimizer("AdamW(lr=0.001, weight_decay=0)")).toMatchObject({
    rate: 1e-3,
    weightDecay: 0,
  });
  for (
    const text of ["SGD lr=1", "AdamW momentum=1", "AdamW lr=x", "AdamW lr", 7]
  ) {
    expect(() => readOptimizer(text)).toThrow("optimizer");
  }
});
