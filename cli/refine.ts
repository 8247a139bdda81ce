/**
 * `refine IMAGE --model DIR (--points … | --box … | --mask FILE --label N)`:
 * one cell by a prompt, added to a label image or in place of another cell.
 *
 * @module
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadNodePromptModel } from "../gpu-worker/prompt_model_node.ts";
import { ShapeError } from "../shared/errors.ts";
import { decodeImage } from "../shared/image/decode.ts";
import { encodeLabelTiff } from "../shared/image/labels.ts";
import { outputNames, stemOf } from "../shared/image/names.ts";
import { isVolume, type Size2D } from "../shared/ndarray.ts";
import { digestBytes } from "../shared/pipeline/digest.ts";
import { layOutPlanes } from "../shared/pipeline/planes.ts";
import { createRefiner } from "../shared/pipeline/refine.ts";
import { type Core, loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { readLabelFile } from "./label_files.ts";
import { printLine } from "./print.ts";
import { readRefineOptions, type RefineOptions } from "./refine/options.ts";
import { VERSION } from "../shared/version.ts";

/**
 * Run the command: writes `<stem>_cp_masks.tif` and `<stem>_refine.json`.
 *
 * @throws {UsageError} for wrong usage
 */
export async function refine(
  image: string,
  given: RefineOptions,
): Promise<void> {
  const started = performance.now();
  const { prompt, label: asked, ...options } = readRefineOptions(given);
  const core = await loadCore();
  const bytes = new Uint8Array(await readFile(callerPath(image)));
  const decoded = await decodeImage(bytes);
  const planes = layOutPlanes(decoded);
  if (planes.length > 1) {
    throw new ShapeError(
      "image",
      `is a stack of ${planes.length} planes; refine takes one image`,
    );
  }
  const [plane] = planes;
  const before = await readMasks(options.masks ?? options.mask, plane.size);
  const label = asked ?? nextLabel(core, before, plane.size);
  const cell = options.mask === undefined ? {} : {
    cell: { masks: await readMasks(options.mask, plane.size), label },
  };

  const model = await loadNodePromptModel(callerPath(options.model), {
    provider: options.provider,
  });
  const refiner = createRefiner(core, model);
  const embedded = await refiner.embed(plane, {
    ...(options.channels ? { channels: options.channels } : {}),
    ...(options.normalize ? { normalize: true } : {}),
  });
  const encoded = performance.now();
  const answer = await refiner.refine(embedded, { ...prompt, ...cell });
  const painted = core.paintCell(before, answer.logits, plane.size, label);
  await model.close();

  const stem = stemOf(image);
  const folder = callerPath(options.out);
  const file = outputNames(stem).tif;
  const { masks, area, taken } = painted;
  const description = {
    image,
    input: await digestBytes(bytes),
    model: {
      name: model.model.name,
      sha256: model.digest,
      licence: model.model.licence,
    },
    version: VERSION,
    prompt: { ...prompt, ...(options.mask ? { mask: options.mask } : {}) },
    label,
    area,
    /** Pixels of the answer that other cells kept. */
    takenByOthers: taken,
    scores: answer.scores,
    chosen: answer.chosen,
    isNormalized: embedded.isNormalized,
    warnings: [...embedded.warnings, ...judge(area, taken)],
    milliseconds: {
      encode: encoded - started,
      total: performance.now() - started,
    },
    files: [file],
  };
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, file),
    encodeLabelTiff({ masks, size: plane.size }, decoded.pixelSize),
  );
  await writeFile(
    join(folder, `${stem}_refine.json`),
    JSON.stringify(description, null, 2) + "\n",
  );
  if (options.json) return printLine(JSON.stringify(description));
  const score = answer.scores[answer.chosen].toFixed(3);
  printLine(`cell ${label}: ${area} pixels, expected IoU ${score}`);
  for (const { code, message } of description.warnings) {
    printLine(`  ${code}: ${message}`);
  }
  printLine(`wrote ${join(folder, file)}`);
}

/** A label image of the image's size; an empty one without a file. */
async function readMasks(
  path: string | undefined,
  size: Size2D,
): Promise<Uint32Array> {
  if (path === undefined) return new Uint32Array(size.height * size.width);
  const labels = await readLabelFile(callerPath(path), { size });
  const found = labels.size;
  const isSame = !isVolume(found) && found.height === size.height &&
    found.width === size.width;
  if (isSame) return Uint32Array.from(labels.masks);
  throw new ShapeError(
    "masks",
    `${path} is ${
      Object.values(found).join("×")
    }, the image is ${size.height}×${size.width}`,
  );
}

/** The label after all others. */
function nextLabel(core: Core, masks: Uint32Array, size: Size2D): number {
  return (core.measureRegions(masks, size).label.at(-1) ?? 0) + 1;
}

function judge(area: number, taken: number) {
  const warnings: { code: string; message: string }[] = [];
  if (area === 0) {
    warnings.push({
      code: "mask-empty",
      message: taken > 0
        ? "All of the answer belongs to other cells; nothing is painted"
        : "The network sees no cell there; move the points or draw a box",
    });
  } else if (taken > 0) {
    warnings.push({
      code: "taken-by-others",
      message:
        `${taken} pixels of the answer belong to other cells and stay theirs`,
    });
  }
  return warnings;
}
