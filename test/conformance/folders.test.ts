/** Folders that a stranger lays out: other dtypes, other files, damage. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Outcome, runConformance } from "../../cli/conformance/run.ts";
import { decodeNpy, encodeNpy, type NpyData } from "../../shared/image/npy.ts";
import { core } from "../core.ts";
import { unpack } from "./unpack.ts";

const TINY = "dynamics2d/tiny";
const HOLES = "holes/diagonal_15";

/** Run one case after changing its folder. */
async function runChanged(
  id: string,
  change: (folder: string, root: string) => void,
): Promise<Outcome[]> {
  const root = unpack([id]);
  change(join(root, id), root);
  const outcomes: Outcome[] = [];
  for await (const outcome of runConformance(core, root)) {
    outcomes.push(outcome);
  }
  rmSync(root, { recursive: true });
  return outcomes;
}

/** Rewrite arrays of a case in another type. */
function convert(folder: string, to: (data: number[]) => NpyData | null) {
  for (const file of readdirSync(folder)) {
    if (!file.endsWith(".npy")) continue;
    const path = join(folder, file);
    const { data, shape } = decodeNpy(readFileSync(path));
    const converted = to([...data as Float32Array]);
    if (converted) writeFileSync(path, encodeNpy(converted, shape));
  }
}

const isWhole = (data: number[]) => data.every(Number.isInteger);

test.each<[string, (data: number[]) => NpyData | null]>([
  ["int64", (d) => isWhole(d) ? BigInt64Array.from(d, BigInt) : null],
  ["uint16", (d) => isWhole(d) ? Uint16Array.from(d) : null],
  ["int16", (d) => isWhole(d) ? Int16Array.from(d) : null],
  ["int8", (d) => isWhole(d) ? Int8Array.from(d) : null],
  ["float64", (d) => Float64Array.from(d)],
])("cases in %s pass", async (_, to) => {
  for (const id of [TINY, HOLES]) {
    const outcomes = await runChanged(id, (folder) => convert(folder, to));
    expect(outcomes.map(({ message, status }) => [status, message]))
      .toEqual([["PASS", expect.any(String)]]);
  }
});

test("case names are free", async () => {
  for (const id of ["normalize/invert", "resize/nearest_151x187", TINY]) {
    const outcomes = await runChanged(id, (folder, root) => {
      renameSync(folder, join(root, id.split("/")[0], "x 1"));
    });
    expect(outcomes).toMatchObject([
      { id: `${id.split("/")[0]}/x 1`, status: "PASS" },
    ]);
  }
});

test("further arrays and files are left alone", async () => {
  const outcomes = await runChanged(TINY, (folder, root) => {
    writeFileSync(join(folder, "notes.npy"), "not an array");
    writeFileSync(join(folder, "readme.txt"), "");
    writeFileSync(join(root, "index.json"), "{}");
    writeFileSync(join(root, "dynamics2d", "index.json"), "{}");
  });
  expect(outcomes).toMatchObject([{ id: TINY, status: "PASS" }]);
});

test("a case without an undeclared array is checked on the others", async () => {
  const outcomes = await runChanged(TINY, (folder) => {
    rmSync(join(folder, "flows.npy"));
    editFacts(folder, ({ flows: _, ...facts }) => facts);
  });
  expect(outcomes).toMatchObject([{ status: "PASS" }]);
  const names = outcomes[0].checks.map(({ name }) => name);
  expect(names).not.toContain("flows");
  expect(names).toContain("final positions");
});

test.each<[string, (folder: string) => void, RegExp]>([
  ["a declared array is missing", (folder) => {
    rmSync(join(folder, "dP.npy"));
  }, /dP\.npy is missing/],
  ["case.json is missing", (folder) => {
    rmSync(join(folder, "case.json"));
  }, /case\.json is missing/],
  ["case.json is broken", (folder) => {
    writeFileSync(join(folder, "case.json"), "{");
  }, /case\.json is not JSON/],
  ["an array is cut short", (folder) => {
    const path = join(folder, "labels.npy");
    writeFileSync(path, readFileSync(path).subarray(0, 500));
  }, /labels\.npy cannot be read/],
  ["an array has another shape", (folder) => {
    writeFileSync(
      join(folder, "labels.npy"),
      encodeNpy(new Int32Array(12), [3, 4]),
    );
  }, /labels\.npy is 3×4, case\.json says 40×37/],
  ["a label is negative", (folder) => {
    const path = join(folder, "labels.npy");
    const { data, shape } = decodeNpy(readFileSync(path));
    data[0] = -1;
    writeFileSync(path, encodeNpy(data, shape));
  }, /labels\.npy.*-1/],
  ["shapes of arrays disagree", (folder) => {
    writeFileSync(
      join(folder, "cellprob.npy"),
      encodeNpy(new Float32Array(6), [2, 3]),
    );
    editFacts(folder, ({ cellprob: _, ...facts }) => facts);
  }, /dP\.npy is 2×40×37, cellprob\.npy is 2×3/],
  ["there is nothing to compare", (folder) => {
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
    writeFileSync(join(folder, "case.json"), "{}");
  }, /nothing to compare/],
])("a case fails with its reason when %s", async (_, damage, reason) => {
  const outcomes = await runChanged(TINY, damage);
  expect(outcomes).toMatchObject([{ id: TINY, status: "FAIL" }]);
  expect(outcomes[0].message).toMatch(reason);
});

test("a damaged case does not stop the others", async () => {
  const root = unpack([HOLES, TINY]);
  writeFileSync(join(root, TINY, "labels.npy"), "");
  const outcomes: Outcome[] = [];
  for await (const outcome of runConformance(core, root)) {
    outcomes.push(outcome);
  }
  rmSync(root, { recursive: true });
  expect(outcomes.map(({ id, status }) => [id, status])).toEqual([
    [TINY, "FAIL"],
    [HOLES, "PASS"],
  ]);
});

test("an unknown kind fails, with and without cases", async () => {
  const outcomes = await runChanged(HOLES, (_, root) => {
    mkdirSync(join(root, "novel", "one"), { recursive: true });
    mkdirSync(join(root, "toString"));
  });
  expect(outcomes.map(({ id, status }) => [id, status])).toEqual([
    [HOLES, "PASS"],
    ["novel/one", "FAIL"],
    ["toString", "FAIL"],
  ]);
  expect(outcomes[1].message).toMatch(/unknown kind novel/);
});

function editFacts(
  folder: string,
  edit: (facts: Record<string, unknown>) => Record<string, unknown>,
): void {
  const path = join(folder, "case.json");
  const facts = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify(edit(facts)));
}
