/**
 * Crops of 256×256 pixels of labelled images, as items of their own.
 *
 * @module
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLeftOut, readItem } from "../../../gpu-worker/train/read_item.ts";
import type { TrainItem } from "../../../gpu-worker/train/read_item.ts";
import { encodeLabelTiff } from "../../../shared/image/labels.ts";
import { encodePng } from "../../../shared/image/png.ts";
import type { Core } from "../../../wasm/mod.ts";
import { type Box, cropPlanes } from "../crop.ts";
import type { Item } from "./lab.ts";

/** Edge of a crop, pixels, as the report's. */
export const CROP_EDGE = 256;
/** Windows that are looked at lie this far apart, pixels. */
const STRIDE = 32;
/** Pieces of cells that the border cut smaller than this are no cells. */
const LEAST_AREA = 15;
/** Channels of a crop, at most. */
const CHANNELS = 3;

/**
 * Cut an image's window with the most cell pixels; smaller images stay whole.
 *
 * @param folder  where crops are kept
 */
export async function cropItem(
  core: Core,
  item: Item,
  folder: string,
): Promise<Item> {
  const read = await readItem(core, item.file, { minMasks: 0 });
  if (isLeftOut(read) || read.labels === undefined) {
    throw new Error(`${item.name} has no labels to cut`);
  }
  const { size, channels } = read;
  const labels = Uint32Array.from(read.labels);
  const box = findFullest(labels, size);
  const cut = dropSmall(cropPlanes(labels, size, box));
  const inside = { height: box.height, width: box.width };
  // of several folders
  const stem = item.name.replace(/\.[^.]+$/, "").replaceAll("/", "_");
  const paths = {
    image: join(folder, `${stem}.png`),
    labels: join(folder, `${stem}_masks.tif`),
  };
  if (!existsSync(paths.labels)) {
    mkdirSync(folder, { recursive: true });
    const kept = Math.min(channels, CHANNELS);
    const planes = cropPlanes(toWords(read, kept), size, box);
    const pixels = inside.height * inside.width;
    // two channels would be read as gray and alpha
    const written = kept === 1 ? 1 : CHANNELS;
    const data = new Uint16Array(written * pixels);
    for (let i = 0; i < planes.length; i++) {
      data[(i % pixels) * written + Math.floor(i / pixels)] = planes[i];
    }
    writeFileSync(
      paths.image,
      encodePng({ data, size: inside, channels: written }),
    );
    writeFileSync(paths.labels, encodeLabelTiff({ masks: cut, size: inside }));
  }
  const { diameter, labels: ids } = core.estimateDiameter(cut, inside);
  const name = `crops/${stem}`;
  return {
    name,
    kind: item.kind,
    file: { ...item.file, ...paths, name },
    facts: {
      ...item.facts,
      name,
      size: inside,
      channels: channels === 1 ? 1 : CHANNELS,
      cells: ids.length,
      diameter: ids.length === 0 ? 0 : Math.max(5, diameter),
    },
  };
}

/** The window with the most labelled pixels; of equal ones the first. */
export function findFullest(
  labels: Uint32Array,
  { height, width }: { height: number; width: number },
): Box {
  const edges = {
    height: Math.min(height, CROP_EDGE),
    width: Math.min(width, CROP_EDGE),
  };
  // sums of all pixels above and to the left
  const sums = new Uint32Array((height + 1) * (width + 1));
  const at = (y: number, x: number) => y * (width + 1) + x;
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      if (labels[y * width + x] > 0) row++;
      sums[at(y + 1, x + 1)] = sums[at(y, x + 1)] + row;
    }
  }
  let best = { count: -1, top: 0, left: 0 };
  for (const top of places(height - edges.height)) {
    for (const left of places(width - edges.width)) {
      const [bottom, right] = [top + edges.height, left + edges.width];
      const count = sums[at(bottom, right)] - sums[at(top, right)] -
        sums[at(bottom, left)] + sums[at(top, left)];
      if (count > best.count) best = { count, top, left };
    }
  }
  return { top: best.top, left: best.left, ...edges };
}

function places(room: number): number[] {
  const out: number[] = [];
  for (let at = 0; at < room; at += STRIDE) out.push(at);
  return [...out, room];
}

/** First planes as 16-bit numbers: bytes stay, other ranges are stretched. */
function toWords(
  { image, size }: TrainItem,
  kept: number,
): Float32Array {
  const pixels = size.height * size.width;
  const values = Float32Array.from(image.subarray(0, kept * pixels));
  if (image instanceof Uint8Array || image instanceof Uint16Array) {
    return values;
  }
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = high > low ? 65535 / (high - low) : 0;
  return values.map((value) => Math.round((value - low) * scale));
}

function dropSmall(labels: Uint32Array): Uint32Array {
  const areas = new Map<number, number>();
  for (const label of labels) areas.set(label, (areas.get(label) ?? 0) + 1);
  return labels.map((l) => areas.get(l)! < LEAST_AREA ? 0 : l);
}
