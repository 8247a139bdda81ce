/**
 * The examples through the service: upload, preview, job, score, overlay.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { decodeImage } from "../../shared/image/decode.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { drawOutlines, PREDICTION, TRUTH } from "../../shared/image/overlay.ts";
import { enlarge, toPicture } from "../../shared/image/picture.ts";
import { encodePicture } from "../../shared/image/png.ts";
import { layOutPlanes, readRows } from "../../shared/pipeline/planes.ts";
import type { Core } from "../../wasm/mod.ts";
import type { Client } from "./client.ts";

/** One line of the demo's table. */
export interface ExampleOutcome {
  readonly name: string;
  readonly count: number;
  /** AP at IoU 0.5; absent where there is no truth. */
  readonly ap?: number;
  readonly previewCount: number;
  readonly previewMs: number;
  readonly jobMs: number;
  readonly overlay: string;
}

/** Overlays are at least so wide, pixels: lines stay readable. */
const WIDTH = 800;

/**
 * Send one image through the service and draw what came back.
 *
 * @param path  the image; `NAME_masks.tif` beside it is its truth
 * @param out   folder for the overlay
 */
export async function runExample(
  { client, core }: { client: Client; core: Core },
  path: string,
  out: string,
): Promise<ExampleOutcome> {
  const name = basename(path);
  const bytes = new Uint8Array(await readFile(path));
  const upload = await client.upload({ name, bytes });

  const previewStart = performance.now();
  const preview = await client.preview(upload);
  const previewMs = performance.now() - previewStart;

  const jobStart = performance.now();
  const job = await client.runJob(upload);
  const jobMs = performance.now() - jobStart;

  const stem = name.slice(0, -extname(name).length);
  const truthPath = join(path, "..", `${stem}_masks.tif`);
  const truth = existsSync(truthPath)
    ? { name: "truth.tif", bytes: new Uint8Array(await readFile(truthPath)) }
    : undefined;
  const prediction = { name: "prediction.tif", bytes: job.masks };
  const overlay = join(out, `${stem}_overlay.png`);
  await writeFile(
    overlay,
    await drawOverlay(core, bytes, {
      prediction: job.masks,
      ...(truth ? { truth: truth.bytes } : {}),
    }),
  );
  return {
    name,
    count: job.count,
    ...(truth ? { ap: await client.score(truth, prediction) } : {}),
    previewCount: preview.count,
    previewMs,
    jobMs,
    overlay,
  };
}

/** Truth in solid purple, prediction in dashed yellow, over the image. */
async function drawOverlay(
  core: Core,
  image: Uint8Array<ArrayBuffer>,
  labels: {
    prediction: Uint8Array<ArrayBuffer>;
    truth?: Uint8Array<ArrayBuffer>;
  },
): Promise<Uint8Array> {
  const [plane] = layOutPlanes(await decodeImage(image));
  const { size, channels } = plane;
  const planar = readRows(core, plane, 0, size.height);
  const data = core.toInterleaved(planar, { ...size, channels });
  const scale = Math.max(1, Math.ceil(WIDTH / size.width));
  let picture = enlarge(toPicture({ data, size, channels }), scale);
  if (labels.truth) {
    const { masks } = await decodeLabels(labels.truth);
    picture = drawOutlines(picture, masks, { ...TRUTH, thickness: 2 });
  }
  const { masks } = await decodeLabels(labels.prediction);
  const line = { ...PREDICTION, thickness: 2, dash: 8 };
  return encodePicture(drawOutlines(picture, masks, line));
}
