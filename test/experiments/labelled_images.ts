/**
 * Labelled images of a folder with a `manifest.json`, one 2-D image each;
 * a time-lapse gives one a frame, volumes are left out and told.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeImage } from "../../shared/image/decode.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import type { PixelArray } from "../../shared/image/types.ts";
import { isVolume, type Size2D } from "../../shared/ndarray.ts";

/** A row of the manifest, as far as it is needed. */
export interface LabelledItem {
  readonly file: string;
  readonly labels: string;
  readonly modality: string;
  /** Time-lapses have one. */
  readonly tracks?: string;
}

/** One image and its truth. */
export interface LabelledImage {
  readonly name: string;
  readonly kind: string;
  readonly data: PixelArray;
  /** "YX", "YXC" or "CYX" */
  readonly axes: string;
  readonly shape: readonly number[];
  readonly size: Size2D;
  /** H×W, 0 background */
  readonly truth: Uint32Array;
}

/** Read the manifest's rows. */
export async function listItems(folder: string): Promise<LabelledItem[]> {
  const text = await readFile(join(folder, "manifest.json"), "utf8");
  const { images } = JSON.parse(text) as { images?: LabelledItem[] };
  if (!Array.isArray(images)) {
    throw new Error(`${folder}: manifest.json has no list of images`);
  }
  return images;
}

/**
 * Read an item's images.
 *
 * @returns none for a volume, which 2-D methods are not scored on
 */
export async function readItem(
  folder: string,
  item: LabelledItem,
): Promise<LabelledImage[]> {
  const read = async (name: string) =>
    new Uint8Array(await readFile(join(folder, name)));
  const { masks, size } = await decodeLabels(await read(item.labels));
  const stem = item.file.replace(/\.\w+$/, "");
  if (!isVolume(size)) {
    const { data, axes, shape } = await decodeImage(await read(item.file));
    return [{
      name: stem,
      kind: item.modality,
      data,
      axes,
      shape,
      size,
      truth: masks,
    }];
  }
  if (item.tracks === undefined) return [];
  const { data, shape } = await decodeImage(await read(item.file), {
    axes: "TYX",
  });
  const pixels = size.height * size.width;
  return Array.from({ length: shape[0] }, (_, t) => ({
    name: `${stem}_t${t}`,
    kind: item.modality,
    data: data.slice(t * pixels, (t + 1) * pixels),
    axes: "YX",
    shape: [size.height, size.width],
    size: { height: size.height, width: size.width },
    truth: masks.slice(t * pixels, (t + 1) * pixels),
  }));
}
