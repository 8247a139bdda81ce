/** Networks among the cases: what passes, fails and is left out. */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Outcome, runConformance } from "../../cli/conformance/run.ts";
import { decodeNpy, encodeNpy } from "../../shared/image/npy.ts";
import { core } from "../core.ts";
import { unpackModels } from "../import/models.ts";

const SMALL = "unet_2";

/** Run one network's case after changing its folder. */
async function runChanged(
  id: string,
  change: (folder: string, root: string) => void,
): Promise<Outcome[]> {
  const root = unpackModels([id]);
  change(join(root, id), root);
  const outcomes: Outcome[] = [];
  for await (const outcome of runConformance(core, root)) {
    outcomes.push(outcome);
  }
  rmSync(root, { recursive: true });
  return outcomes;
}

/** Move the value farthest from the others' by a part of the range. */
function perturb(folder: string, name: string, share: number): void {
  const path = join(folder, `${name}.npy`);
  const { data, shape } = decodeNpy(readFileSync(path));
  const values = Float32Array.from(data as Float32Array);
  const range = Math.max(...values) - Math.min(...values);
  values[0] += share * range;
  writeFileSync(path, encodeNpy(values, shape));
}

test.each([["unet_2", "y"], ["cellpose_unet_2", "style"], [
  "sam_2",
  "iou_box",
]])(
  "runConformance() fails %s where %s is off by a hundredth of its range",
  async (id, name) => {
    const [outcome] = await runChanged(id, (folder) => {
      perturb(folder, name, 0.01);
    });
    expect(outcome).toMatchObject({ id, status: "FAIL" });
    // within the limit of half precision, beyond that of fp32
    expect(outcome.message).toMatch(new RegExp(`^${name} 0\\.0`));
    expect(outcome.message).not.toContain("fp16");
  },
);

test("runConformance() knows a network by its checkpoint, not by its folder", async () => {
  const outcomes = await runChanged(SMALL, (folder, root) => {
    mkdirSync(join(root, "nested"));
    renameSync(folder, join(root, "nested", "anything"));
  });
  expect(outcomes.map(({ id, status }) => [id, status]))
    .toEqual([["nested/anything", "PASS"]]);
});

test.each<[string, (folder: string) => void, RegExp]>([
  [
    "a broken checkpoint",
    (folder) => writeFileSync(join(folder, "checkpoint.pth"), "PK"),
    /zip/,
  ],
  [
    "no output",
    (folder) => rmSync(join(folder, "y.npy")),
    /another such pair, is missing/,
  ],
  [
    "an output of another shape",
    (folder) => {
      const file = join(folder, "y.npy");
      const { data, shape } = decodeNpy(readFileSync(file));
      writeFileSync(file, encodeNpy(data, [...shape, 1]));
    },
    /y\.npy is .*, the network gives/,
  ],
])("runConformance() fails a network with %s", async (_, change, message) => {
  const [outcome] = await runChanged(SMALL, change);
  expect(outcome.status).toBe("FAIL");
  expect(outcome.message).toMatch(message);
});
