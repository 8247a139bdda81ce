/**
 * From the same U-Net and images to masks, by Cellpose 3's `eval` in fp32 and
 * by ours: how well they agree, and the diameters of its size model.
 *
 *   deno run -A test/bench/end_to_end/compare_cpnet.ts CHECKPOINT IMAGES
 *     --python P [--size-model FILE] [--limit N] [--json]
 *
 * IMAGES holds NAME.png (and NAME_labels.png, which are not read). P has
 * cellpose 3.1.1.2. Images where both find nothing do not count.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadNodeEncoder } from "../../../gpu-worker/encoder_node.ts";
import { importModel } from "../../../gpu-worker/import/import_model.ts";
import { decodeNpy, toLabels } from "../../../shared/image/npy.ts";
import type { PixelArray } from "../../../shared/image/types.ts";
import { segment } from "../../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../../shared/schema/parameters.ts";
import { loadCore } from "../../../wasm/mod.ts";

const EVAL = fileURLToPath(new URL("eval_cpnet.py", import.meta.url));

const { values, positionals: [checkpoint, images] } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python3" },
    "size-model": { type: "string" },
    limit: { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
  },
});
const sizeModel = values["size-model"];
const folder = mkdtempSync(join(tmpdir(), "end-to-end-"));
const names = readdirSync(images)
  .filter((file) => file.endsWith(".png") && !file.endsWith("_labels.png"))
  .slice(0, Number(values.limit)).map((file) => file.slice(0, -4));
const cases = names.map((name) => ({
  name,
  image: join(images, `${name}.png`),
  options: {},
}));
writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
const peer = spawnSync(values.python, [
  EVAL,
  checkpoint,
  folder,
  join(folder, "cases.json"),
  ...(sizeModel === undefined ? [] : [sizeModel]),
], { stdio: ["ignore", "ignore", "inherit"] });
if (peer.status !== 0) throw new Error("Cellpose failed");

importModel(
  checkpoint,
  join(folder, "model"),
  sizeModel === undefined ? {} : { sizeModel },
);
const core = await loadCore();
const encoder = await loadNodeEncoder(join(folder, "model"), {
  providers: ["cpu"],
});
const read = (name: string) =>
  decodeNpy(new Uint8Array(readFileSync(join(folder, `${name}.npy`))));
const readJson = (name: string) =>
  JSON.parse(readFileSync(join(folder, name), "utf8"));
const seconds: Record<string, number> = readJson("times.json");
const diameters: Record<string, number[]> = readJson("diameters.json");

const rows = [];
for (const name of names) {
  const image = read(`${name}_image`);
  const theirs = toLabels(read(`${name}_masks`));
  const { planes: [plane], facts, run } = await segment(
    {
      data: image.data as PixelArray,
      shape: image.shape,
      axes: image.shape.length === 3 ? "YXC" : "YX",
    },
    SegmentParameters.parse({}),
    { core, encoders: [encoder] },
  );
  const [{ ap }] = core.averagePrecision(theirs, plane.masks, plane.size, [
    0.5,
  ]);
  rows.push({
    name,
    theirs: theirs.reduce((a, b) => Math.max(a, b), 0),
    count: plane.count,
    ap,
    theirDiameter: diameters[name]?.[0] ?? null,
    diameter: facts.diameter,
    theirSeconds: seconds[name],
    seconds: run.timings.total / 1000,
  });
}
await encoder.close();
rmSync(folder, { recursive: true });

const counted = rows.filter((row) => row.theirs > 0 || row.count > 0);
const sum = (key: "theirs" | "count" | "ap" | "theirSeconds" | "seconds") =>
  counted.reduce((total, row) => total + (row[key] || 0), 0);
const ratios = rows.flatMap(({ theirDiameter, diameter }) =>
  theirDiameter && diameter ? [Math.abs(diameter / theirDiameter - 1)] : []
);
const summary = {
  images: rows.length,
  counted: counted.length,
  withTenCells: rows.filter((row) => row.theirs >= 10).length,
  theirs: sum("theirs"),
  count: sum("count"),
  meanAp50: sum("ap") / counted.length,
  largestDiameterError: ratios.length > 0 ? Math.max(...ratios) : null,
  theirSeconds: sum("theirSeconds"),
  seconds: sum("seconds"),
};
process.stdout.write(
  JSON.stringify(values.json ? { summary, rows } : summary, null, 2) + "\n",
);
