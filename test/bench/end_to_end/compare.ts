/**
 * From the same weights and images to masks, by Cellpose's `eval` in fp32 and
 * by ours: how well they agree.
 *
 *   deno run -A test/bench/end_to_end/compare.ts CHECKPOINT IMAGES --python P
 *     [--limit N] [--diameter D|labels] [--json]
 *
 * IMAGES holds NAME.png and NAME_labels.png, which `--diameter labels` reads:
 * every image is then scaled by its own cells, for both alike. P has cellpose
 * 4.2.1.1. Images where both find nothing do not count.
 *
 * @module
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadNodeEncoder } from "../../../gpu-worker/encoder_node.ts";
import { importModel } from "../../../gpu-worker/import/import_model.ts";
import { decodeNpy, toLabels } from "../../../shared/image/npy.ts";
import { decodeLabels } from "../../../shared/image/read_labels.ts";
import type { PixelArray } from "../../../shared/image/types.ts";
import { segment } from "../../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../../shared/schema/parameters.ts";
import { loadCore } from "../../../wasm/mod.ts";

const EVAL = fileURLToPath(new URL("eval_peer.py", import.meta.url));

const { values, positionals: [checkpoint, images] } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python3" },
    limit: { type: "string", default: "1000" },
    diameter: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), "end-to-end-"));
const core = await loadCore();
const names = readdirSync(images)
  .filter((file) => file.endsWith(".png") && !file.endsWith("_labels.png"))
  .slice(0, Number(values.limit)).map((file) => file.slice(0, -4));
const diameters = new Map<string, number | null>();
for (const name of names) diameters.set(name, await chooseDiameter(name));
const cases = names.map((name) => ({
  name,
  image: join(images, `${name}.png`),
  options: diameters.get(name) === null
    ? {}
    : { diameter: diameters.get(name) },
}));
writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
const peer = spawnSync(
  values.python,
  [EVAL, checkpoint, folder, join(folder, "cases.json")],
  { stdio: ["ignore", "ignore", "inherit"] },
);
if (peer.status !== 0) throw new Error("Cellpose failed");

importModel(checkpoint, join(folder, "model"));
const encoder = await loadNodeEncoder(join(folder, "model"), {
  providers: ["cpu"],
});
const read = (name: string) =>
  decodeNpy(new Uint8Array(readFileSync(join(folder, `${name}.npy`))));
const seconds: Record<string, number> = JSON.parse(
  readFileSync(join(folder, "times.json"), "utf8"),
);

const rows = [];
for (const name of names) {
  const image = read(`${name}_image`);
  const theirs = toLabels(read(`${name}_masks`));
  const row: Record<string, string | number> = {
    name,
    theirs: theirs.reduce((a, b) => Math.max(a, b), 0),
    theirSeconds: seconds[name],
  };
  for (const parity of [true, false]) {
    const { planes: [plane], run } = await segment(
      {
        data: image.data as PixelArray,
        shape: image.shape,
        axes: image.shape.length === 3 ? "YXC" : "YX",
      },
      SegmentParameters.parse({ parity, diameter: diameters.get(name) }),
      { core, encoders: [encoder] },
    );
    const [{ ap }] = core.averagePrecision(theirs, plane.masks, plane.size, [
      0.5,
    ]);
    const key = parity ? "parity" : "default";
    row[`${key}Count`] = plane.count;
    row[`${key}Ap`] = ap;
    row[`${key}Seconds`] = run.timings.total / 1000;
  }
  rows.push(row);
}
await encoder.close();
rmSync(folder, { recursive: true });

const counted = rows.filter((row) =>
  Number(row.theirs) > 0 || Number(row.parityCount) > 0
);
const sum = (key: string) =>
  counted.reduce((total, row) => total + Number(row[key] || 0), 0);
const summary = {
  images: rows.length,
  counted: counted.length,
  withTenCells: rows.filter((row) => Number(row.theirs) >= 10).length,
  theirs: sum("theirs"),
  theirSeconds: sum("theirSeconds"),
  ...Object.fromEntries(
    ["parity", "default"].flatMap((key) => [
      [`${key}MeanAp50`, sum(`${key}Ap`) / counted.length],
      [`${key}Count`, sum(`${key}Count`)],
      [`${key}Seconds`, sum(`${key}Seconds`)],
    ]),
  ),
};
process.stdout.write(
  JSON.stringify(values.json ? { summary, rows } : summary, null, 2) + "\n",
);

/** Diameter to scale an image by, pixels; null: as it is. */
async function chooseDiameter(name: string): Promise<number | null> {
  if (values.diameter === undefined) return null;
  if (values.diameter !== "labels") return Number(values.diameter);
  const path = join(images, `${name}_labels.png`);
  const bytes = new Uint8Array(readFileSync(path));
  const { masks, size } = await decodeLabels(bytes);
  return core.estimateDiameter(masks, size).diameter || null;
}
