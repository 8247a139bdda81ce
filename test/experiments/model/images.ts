/**
 * The images that experiments with a network run on.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { decodeImage } from "../../../shared/image/decode.ts";
import { decodeLabels } from "../../../shared/image/read_labels.ts";
import { isVolume, type Size2D } from "../../../shared/ndarray.ts";

/** A 2-D image. */
export interface ExperimentImage {
  readonly name: string;
  /** Its modality; "unknown" without a manifest. */
  readonly kind: string;
  /** H×W×C f32; the file's range moved to 0–255. */
  readonly data: Float32Array;
  readonly size: Size2D;
  readonly channels: number;
  /** H×W; absent where nobody labelled it. */
  readonly truth?: Uint32Array;
}

/** An image whose truth is known. */
export type LabelledImage = ExperimentImage & { readonly truth: Uint32Array };

const ENDINGS = [".png", ".jpg", ".jpeg", ".tif", ".tiff"];
const TRUTH_ENDINGS = [
  "_labels.png",
  "_labels.tif",
  "_masks.png",
  "_masks.tif",
];

/**
 * Read all 2-D images of a folder, in the order of their names.
 *
 * Truth is `STEM_masks` or `STEM_labels` beside them, the kind what
 * `manifest.json` calls the modality. Volumes and series are left out.
 */
export async function readImages(folder: string): Promise<ExperimentImage[]> {
  const kinds = await readKinds(folder);
  const out: ExperimentImage[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const isImage = ENDINGS.includes(extname(name).toLowerCase()) &&
      !TRUTH_ENDINGS.some((ending) => name.endsWith(ending));
    if (!isImage) continue;
    const image = await readImage(folder, name, kinds.get(name) ?? "unknown");
    if (image) out.push(image);
  }
  return out;
}

async function readImage(
  folder: string,
  name: string,
  kind: string,
): Promise<ExperimentImage | undefined> {
  const read = async (file: string) =>
    new Uint8Array(await readFile(join(folder, file)));
  const { data, axes, shape } = await decodeImage(await read(name));
  if (axes !== "YX" && axes !== "YXC") return undefined;
  const [height, width, channels = 1] = shape;
  const size = { height, width };
  const image = { name, kind, size, channels, data: toRange(data) };
  const stem = name.slice(0, -extname(name).length);
  const file = TRUTH_ENDINGS.map((ending) => stem + ending)
    .find((each) => existsSync(join(folder, each)));
  if (file === undefined) return image;
  const labels = await decodeLabels(await read(file));
  const fits = !isVolume(labels.size) && labels.size.height === height &&
    labels.size.width === width;
  if (!fits) throw new Error(`${file} has not the size of ${name}`);
  return { ...image, truth: labels.masks };
}

async function readKinds(folder: string): Promise<Map<string, string>> {
  const path = join(folder, "manifest.json");
  if (!existsSync(path)) return new Map();
  const { images } = JSON.parse(await readFile(path, "utf8")) as {
    images: { file: string; modality: string }[];
  };
  return new Map(images.map(({ file, modality }) => [file, modality]));
}

/** Bytes stay as they are; other ranges are stretched to 0–255. */
function toRange(data: ArrayLike<number>): Float32Array {
  if (data instanceof Uint8Array) return Float32Array.from(data);
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    low = Math.min(low, data[i]);
    high = Math.max(high, data[i]);
  }
  const scale = high > low ? 255 / (high - low) : 0;
  return Float32Array.from(data, (value) => (value - low) * scale);
}
