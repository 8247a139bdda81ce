/**
 * `report --model DIR [--images DIR] [--data DIR] [--unet DIR] [--cpnet DIR]`:
 * the experiments that need a network.
 *
 * Without `--images` the gallery shows the examples and everything goes to
 * `docs/report/model/`; other images may not be ours to publish, so theirs goes
 * to `out/report-model/`.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadNodeEncoder } from "../gpu-worker/encoder_node.ts";
import { readImages } from "../test/experiments/model/images.ts";
import { writeModelPage } from "../test/experiments/model/page.ts";
import { runModelExperiments } from "../test/experiments/model/run.ts";
import type { Files } from "../test/experiments/pictures.ts";
import type { Provenance } from "../test/experiments/run.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLES = join(ROOT, "examples");

/** Options as the command line gives them. */
export interface ModelReportOptions {
  /** Folder of our model. */
  readonly model: string;
  /** Folder of the plain U-Net, and of the CPnet-shaped network. */
  readonly unet?: string;
  readonly cpnet?: string;
  /** Images of the gallery; default: the examples. */
  readonly images?: string;
  /** Labelled images to measure on; default: those of the gallery. */
  readonly data?: string;
}

/** Run the experiments and write their page. */
export async function reportModel(
  { model, unet, cpnet, images, data }: ModelReportOptions,
  provenance: Provenance,
  toJson: (value: unknown) => string,
): Promise<void> {
  // a wrong folder must not cost the minutes before it is needed
  const shown = await readImages(images ? callerPath(images) : EXAMPLES);
  const measured = data ? await readImages(callerPath(data)) : shown;
  const load = (folder: string) => loadNodeEncoder(callerPath(folder));
  const networks = {
    ours: await load(model),
    ...(unet ? { unet: await load(unet) } : {}),
    ...(cpnet ? { cpnet: await load(cpnet) } : {}),
  };
  const files: Files = new Map();
  const results = await runModelExperiments(await loadCore(), {
    networks,
    images: measured,
    shown,
    provenance,
    print: printLine,
  }, files);
  for (const encoder of Object.values(networks)) await encoder.close();
  files.set("results.json", toJson(results));
  files.set("README.md", writeModelPage(results));

  const target = images
    ? join(ROOT, "out", "report-model")
    : join(ROOT, "docs", "report", "model");
  await mkdir(target, { recursive: true });
  for (const [name, content] of files) {
    await writeFile(join(target, name), content);
  }
  const place = relative(process.cwd(), target) || ".";
  printLine(`Wrote ${files.size} files to ${place}/`);
}
