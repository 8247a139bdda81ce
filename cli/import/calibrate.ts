/**
 * What a precision costs: masks of an import beside those of the same
 * checkpoint in fp32, on images of the caller's.
 *
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import {
  importModel,
  type ImportOptions,
} from "../../gpu-worker/import/import_model.ts";
import type {
  Accuracy,
  ModelJson,
} from "../../gpu-worker/import/model_json.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { type Core, loadCore } from "../../wasm/mod.ts";
import { findImages } from "../segment/find_images.ts";

/** IoU at which two masks are the same cell. */
const IOU = 0.5;

/** What to compare. */
export interface Calibration {
  /** Path of the checkpoint. */
  readonly checkpoint: string;
  /** The import's folder; its `model.json` is written again. */
  readonly folder: string;
  readonly model: ModelJson;
  readonly options: ImportOptions;
  /** Images, folders or patterns. */
  readonly images: readonly string[];
}

/**
 * Segment images with both precisions and keep the difference in `model.json`.
 *
 * @returns  what `model.json` holds afterwards
 * @throws {ModelError} if the precision does not run on the processor
 * @throws {Error} if no image shows a cell
 */
export async function calibrate(
  { checkpoint, folder, model, options, images }: Calibration,
): Promise<ModelJson & { accuracy: Accuracy }> {
  const paths = findImages([...images], { recursive: false, imageFilter: "" });
  const wide = await mkdtemp(join(tmpdir(), "cytoedge-fp32-"));
  const encoders: Encoder[] = [];
  try {
    importModel(checkpoint, wide, { ...options, precision: "fp32" });
    for (const each of [wide, folder]) {
      encoders.push(await loadNodeEncoder(each, { providers: ["cpu"] }));
    }
    const accuracy = await compare(await loadCore(), encoders, paths);
    const described = { ...model, accuracy };
    await writeFile(
      join(folder, "model.json"),
      JSON.stringify(described, null, 2) + "\n",
    );
    return described;
  } finally {
    for (const encoder of encoders) await encoder.close();
    await rm(wide, { recursive: true });
  }
}

async function compare(
  core: Core,
  encoders: readonly Encoder[],
  paths: readonly string[],
): Promise<Accuracy> {
  const parameters = SegmentParameters.parse({});
  const counts = [0, 0];
  const milliseconds = [0, 0];
  let counted = 0;
  let sum = 0;
  for (const path of paths) {
    const image = await decodeImage(new Uint8Array(await readFile(path)));
    const { pixelSize: _, ...input } = image;
    const results = [];
    for (const [i, encoder] of encoders.entries()) {
      const result = await segment(input, parameters, {
        core,
        encoders: [encoder],
      });
      results.push(result);
      counts[i] += result.count;
      milliseconds[i] += result.run.timings.encode;
    }
    for (const [z, wide] of results[0].planes.entries()) {
      const narrow = results[1].planes[z];
      // planes without a cell in both would count as perfect
      if (wide.count === 0 && narrow.count === 0) continue;
      const [{ ap }] = core.averagePrecision(
        wide.masks,
        narrow.masks,
        wide.size,
        [IOU],
      );
      sum += ap;
      counted++;
    }
  }
  if (counted === 0) {
    throw new Error("none of the images shows a cell; calibrate with others");
  }
  return {
    against: "fp32",
    iou: IOU,
    images: paths.length,
    counted,
    meanAp: sum / counted,
    cells: counts[1],
    cellsFp32: counts[0],
    encodeMs: milliseconds[1],
    encodeMsFp32: milliseconds[0],
  };
}
