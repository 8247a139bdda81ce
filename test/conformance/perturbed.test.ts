/** A conformance run that cannot fail proves nothing: spoil each array. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runConformance } from "../../cli/conformance/run.ts";
import { decodeNpy, encodeNpy } from "../../shared/image/npy.ts";
import { core } from "../core.ts";
import { unpack } from "./unpack.ts";

type Spoil = (data: Float32Array | Int32Array) => void;

/** Change a share of all elements. */
const some = (share: number, change: (value: number) => number): Spoil => {
  const every = Math.max(1, Math.floor(1 / share));
  return (data) => {
    for (let i = 0; i < data.length; i += every) data[i] = change(data[i]);
  };
};

/** Give another label to the first pixel of the last label. */
const relabelOne: Spoil = (data) => {
  const last = [...data].reduce((a, b) => Math.max(a, b), 0);
  data[data.indexOf(last)] = last + 1;
};

const removeLabel: Spoil = (data) => {
  for (let i = 0; i < data.length; i++) if (data[i] === 1) data[i] = 0;
};

const ARRAYS: [id: string, array: string, spoil: Spoil][] = [
  ["dynamics2d/line", "flows", some(0.1, (v) => v + 2e-4)],
  ["dynamics2d/line", "flows", some(0.1, () => NaN)],
  ["dynamics2d/line", "final_positions_niter20", some(0.02, (v) => v + 0.02)],
  ["dynamics2d/line", "final_positions", some(0.04, (v) => v + 1)],
  ["dynamics2d/line", "masks_raw", some(0.02, (v) => v + 1)],
  ["dynamics2d/line", "masks_qc", some(0.02, (v) => v + 1)],
  ["dynamics2d/line", "masks", removeLabel],
  ["dynamics2d/line", "flow_errors", some(0.1, (v) => v + 1e-3)],
  ["dynamics2d/line", "outline", some(0.001, (v) => 1 - v)],
  ["dynamics3d/real", "flows", some(0.1, (v) => v + 2e-4)],
  ["dynamics3d/real", "final_positions", some(0.02, (v) => v + 0.1)],
  ["dynamics3d/real", "masks", removeLabel],
  ["holes/nested_15", "out", relabelOne],
  ["holes/nested_15", "labels_renumbered", relabelOne],
  ["stitch/gaps", "out", relabelOne],
  ["normalize/percentile_2_98", "out", some(1e-9, (v) => v + 0.01)],
  ["resize/linear_100x115", "out", some(1e-9, (v) => v + 0.1)],
  ["resize/nearest_151x187", "out", relabelOne],
  ["tiles/plain", "taper", some(1e-9, (v) => v + 2e-4)],
];

for (const [id, array, spoil] of ARRAYS) {
  test(`conformance fails when ${id} ${array} is spoiled`, async () => {
    const folder = unpack([id]);
    const path = join(folder, id, `${array}.npy`);
    const { data, shape } = decodeNpy(readFileSync(path));
    spoil(data as Float32Array | Int32Array);
    writeFileSync(path, encodeNpy(data, shape));
    expect(await statuses(folder)).toEqual(["FAIL"]);
  });
}

const FACTS: [id: string, key: string, value: unknown][] = [
  ["dynamics2d/line", "ap", Array(10).fill(0.8)],
  ["dynamics2d/line", "tp", Array(10).fill(15)],
  ["dynamics2d/line", "fp", Array(10).fill(0)],
  ["dynamics2d/line", "fn", Array(10).fill(3)],
  ["dynamics2d/line", "aji", [0.8531]],
  ["dynamics2d/line", "boundary", [[1, 1], [1, 1], [1, 1]]],
  ["dynamics2d/line", "diameter", 16.9817],
  ["holes/nested_15", "min_size", 40],
  ["normalize/percentile_2_98", "lower", 1],
  ["stitch/real_25", "threshold", 0.9],
  ["tiles/plain", "xsub", [[0, 256], [163, 419], [0, 256], [164, 420]]],
  ["tiles/plain", "ntiles", 6],
];

for (const [id, key, value] of FACTS) {
  test(`conformance fails when ${id} ${key} is spoiled`, async () => {
    const folder = unpack([id]);
    const path = join(folder, id, "case.json");
    const facts = JSON.parse(readFileSync(path, "utf8"));
    expect(facts).toHaveProperty(key);
    writeFileSync(path, JSON.stringify({ ...facts, [key]: value }));
    expect(await statuses(folder)).toEqual(["FAIL"]);
  });
}

async function statuses(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { status } of runConformance(core, folder)) {
    found.push(status);
  }
  rmSync(folder, { recursive: true });
  return found;
}
