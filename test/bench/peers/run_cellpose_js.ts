/**
 * Run cellpose-js's tracking and clustering on a case folder, as told line by
 * line; the orders are those of `run_cellpose.py`.
 *
 *   deno run -A run_cellpose_js.ts PACKAGE FOLDER
 *
 * Its network needs WebGPU, but what follows the network is plain JavaScript
 * and runs anywhere. It has neither flow check nor hole filling, and no 3-D.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { readNpy, writeNpy } from "../npy.ts";

type ComputeMasks = (
  dP: Float32Array,
  cellprob: Float32Array,
  height: number,
  width: number,
) => { masks: Uint32Array<ArrayBuffer> };

const [root, folder] = process.argv.slice(2);
// the package does not export this file by name
const file = pathToFileURL(join(root, "dist/postprocess/index.js")).href;
const { computeMasks } = await import(file) as { computeMasks: ComputeMasks };
const { version } = JSON.parse(
  await readFile(join(root, "package.json"), "utf8"),
);
const { data: dP } = await readNpy(join(folder, "dP.npy"));
const { data: cellprob, shape } = await readNpy(join(folder, "cellprob.npy"));
const [height, width] = shape;
let masks = new Uint32Array(0);

const answer = (values: object) =>
  process.stdout.write(
    JSON.stringify({ ...values, peakBytes: process.memoryUsage().rss }) + "\n",
  );

answer({ version });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.run === "trackCluster") {
    const start = performance.now();
    ({ masks } = computeMasks(
      dP as Float32Array,
      cellprob as Float32Array,
      height,
      width,
    ));
    answer({ ms: performance.now() - start });
  } else {
    await writeNpy(order.to, masks, shape);
    answer({});
  }
}
