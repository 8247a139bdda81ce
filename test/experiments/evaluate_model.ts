/**
 * `deno task evaluate MODEL_DIR --data DIR`: a model on labelled images, no
 * diameter given, beside Otsu + watershed and, with --unet, a plain U-Net.
 *
 * Prints the table of kinds; --out writes it with every image's numbers
 * (results.json) and pictures (truth solid purple, prediction dashed yellow).
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { drawOutlines, PREDICTION, TRUTH } from "../../shared/image/overlay.ts";
import { enlarge, toPicture } from "../../shared/image/picture.ts";
import { encodePicture } from "../../shared/image/png.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { callerPath } from "../../cli/caller_path.ts";
import { printLine } from "../../cli/print.ts";
import { type Core, loadCore } from "../../wasm/mod.ts";
import { classical, type ImageMethod, plainNetwork } from "./baselines.ts";
import { evaluate, summarizeKinds, tabulateKinds } from "./evaluate.ts";
import { type LabelledImage, listItems } from "./labelled_images.ts";

/** Smaller pictures are enlarged, pixels. */
const SMALL_PICTURE = 300;

const { positionals: [model], values: options } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    out: { type: "string" },
    unet: { type: "string" },
    kind: { type: "string" },
    /** Diameters of the truth instead of the model's estimate. */
    "true-diameter": { type: "boolean", default: false },
    /** The model alone. */
    alone: { type: "boolean", default: false },
    every: { type: "string", default: "1" },
    threads: { type: "string" },
  },
});
if (model === undefined || options.data === undefined) {
  throw new Error("give MODEL_DIR --data DIR");
}

const core = await loadCore();
const threads = options.threads ? { threads: Number(options.threads) } : {};
const load = (folder: string) => loadNodeEncoder(callerPath(folder), threads);
const encoder = await load(model);
const diameters = new Map<string, number | null>();
const folder = callerPath(options.data);
const items = (await listItems(folder))
  .filter(({ modality }) => modality.includes(options.kind ?? ""))
  .filter((_, i) => i % Number(options.every) === 0);

const ours: ImageMethod = async (image) => {
  const given = options["true-diameter"] && diameterOf(core, image) || null;
  const parameters = SegmentParameters.parse({ diameter: given });
  const deps = { core, encoders: [encoder] };
  const { planes: [{ masks }], facts } = await segment(image, parameters, deps);
  diameters.set(image.name, facts.diameter);
  return { masks, diameter: facts.diameter };
};
const methods: Record<string, ImageMethod> = { [encoder.model.name]: ours };
if (!options.alone) methods["Otsu + watershed"] = classical();
if (options.unet !== undefined) {
  const unet = await load(options.unet);
  for (const split of ["pieces", "watershed"] as const) {
    methods[`plain U-Net, ${split}`] = plainNetwork(core, unet, {
      diameters,
      split,
    });
  }
}

const out = options.out === undefined ? undefined : callerPath(options.out);
if (out !== undefined) await mkdir(out, { recursive: true });
const { rows, leftOut } = await evaluate(core, {
  folder,
  items,
  methods,
  async onImage(image, row, found) {
    if (out === undefined) return;
    const { masks } = found[encoder.model.name];
    const picture = draw(image, masks);
    const score = row.ap[encoder.model.name].toFixed(2);
    await writeFile(join(out, `${score}_${image.name}.png`), picture);
  },
});
await encoder.close();
const kinds = summarizeKinds(rows);
printLine(tabulateKinds(kinds));
if (leftOut.length > 0) {
  printLine(`\nLeft out, not 2-D: ${leftOut.join(", ")}`);
}
if (out !== undefined) {
  const json = { model, kinds, rows, leftOut };
  await writeFile(join(out, "results.json"), JSON.stringify(json, null, 2));
}

function diameterOf(core: Core, { truth, size }: LabelledImage): number {
  return core.estimateDiameter(truth, size).diameter;
}

function draw(image: LabelledImage, masks: Uint32Array): Uint8Array {
  const { size, axes, shape, data, truth } = image;
  const channels = data.length / (size.height * size.width);
  const planar = Float32Array.from(data);
  const interleaved = axes === "CYX"
    ? planar.map((_, i) =>
      planar[(i % channels) * shape[1] * shape[2] + Math.floor(i / channels)]
    )
    : data;
  const plain = toPicture({ data: interleaved, size, channels } as never);
  const scale = Math.ceil(
    SMALL_PICTURE / Math.min(size.height, size.width) / 2,
  );
  const large = enlarge(plain, Math.max(1, Math.min(4, scale)));
  return encodePicture(
    drawOutlines(drawOutlines(large, truth, TRUTH), masks, PREDICTION),
  );
}
