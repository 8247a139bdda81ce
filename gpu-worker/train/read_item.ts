/**
 * Files of an item to pixels, labels and facts.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import type { Size2D } from "../../shared/ndarray.ts";
import { isVolume } from "../../shared/ndarray.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import { narrowLabels } from "../../shared/image/labels.ts";
import { decodeNpy, toFloats } from "../../shared/image/npy.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import type { PixelArray } from "../../shared/image/types.ts";
import { layOutPlanes, type Plane } from "../../shared/pipeline/planes.ts";
import type { Core } from "../../wasm/mod.ts";
import type { ItemFile } from "./find_items.ts";
import { findClassMask, type ItemFault } from "./label_faults.ts";

/** An item in memory; a source of rendered scenes gives the same. */
export interface TrainItem {
  /** C×H×W, as the file has them */
  readonly image: PixelArray;
  readonly size: Size2D;
  readonly channels: number;
  /** One a channel: the values that become 0 and 1 (percentiles 1 and 99). */
  readonly range: readonly (readonly [number, number])[];
  /** H×W, 0 background; none: `field` teaches alone. */
  readonly labels?: Uint16Array | Uint32Array;
  /** 3×H×W f32 of a teacher: dY, dX at unit scale, logit. */
  readonly field?: Float32Array;
  /** Median diameter of its cells, pixels, at least 5. */
  readonly diameter: number;
}

/** What is known of an item once it was read. */
export interface ItemFacts {
  readonly name: string;
  readonly kind: string;
  readonly size: Size2D;
  readonly channels: number;
  readonly cells: number;
  readonly diameter: number;
}

/** An item that is not learned from. */
export interface LeftOut {
  readonly name: string;
  readonly fault: ItemFault;
  readonly detail: string;
}

/** How items are read. */
export interface ReadOptions {
  /** Items with fewer cells are left out; Cellpose's default is 5. */
  readonly minMasks: number;
  /** By item name: file with a teacher's field (npy, 3×H×W), diameter. */
  readonly fields?: Readonly<Record<string, TeacherField>>;
}

/** What a teacher said of an item. */
export interface TeacherField {
  readonly path: string;
  /** Of the teacher's cells; for items without labels. */
  readonly diameter: number;
  readonly cells: number;
}

/** The limits on ratios are for strangers' files; here the caller's are read. */
const LIMITS = { maxRatio: Infinity };

/** Cellpose's floor of diameters. */
const MIN_DIAMETER = 5;

/**
 * Read an item.
 *
 * @returns the item, or why it is left out
 */
export async function readItem(
  core: Core,
  file: ItemFile,
  options: ReadOptions,
): Promise<TrainItem | LeftOut> {
  const { name } = file;
  const leave = (fault: ItemFault, detail: string): LeftOut => ({
    name,
    fault,
    detail,
  });
  let image: Awaited<ReturnType<typeof readImage>>;
  try {
    image = await readImage(core, file.image);
  } catch (err) {
    return leave("unreadable", messageOf(err));
  }
  if (image === undefined) {
    return leave("not-an-image", "it has planes; give each as an image");
  }
  const { size } = image;
  const field = options.fields?.[name];
  const taught = field === undefined
    ? {}
    : { field: await readField(field.path) };
  if (file.labels === undefined) {
    if (field === undefined) {
      return leave("no-labels", "there is no label file of its name");
    }
    if (field.cells < options.minMasks) {
      return leave("too-few-masks", `the teacher found ${field.cells} cells`);
    }
    const diameter = Math.max(field.diameter, MIN_DIAMETER);
    return { ...image, ...taught, diameter };
  }
  let labels: Uint32Array;
  try {
    const bytes = new Uint8Array(await readFile(file.labels));
    const decoded = await decodeLabels(bytes, { size, limits: LIMITS });
    if (
      isVolume(decoded.size) || decoded.size.height !== size.height ||
      decoded.size.width !== size.width
    ) {
      return leave(
        "size-mismatch",
        `labels are ${spell(decoded.size)}, the image is ${spell(size)}`,
      );
    }
    labels = decoded.masks;
  } catch (err) {
    return leave("wrong-label-format", messageOf(err));
  }
  const wrong = findClassMask(core, labels, size);
  if (wrong !== undefined) return leave(wrong.fault, wrong.detail);
  const { diameter, labels: ids } = core.estimateDiameter(labels, size);
  if (ids.length < options.minMasks) {
    return leave(
      "too-few-masks",
      `it has ${ids.length} cells, ${options.minMasks} are needed`,
    );
  }
  return {
    ...image,
    ...taught,
    labels: narrowLabels(labels),
    // an image without cells may teach what background is
    diameter: ids.length === 0 ? 0 : Math.max(diameter, MIN_DIAMETER),
  };
}

/** True for what was left out. */
export function isLeftOut(read: TrainItem | LeftOut): read is LeftOut {
  return "fault" in read;
}

/** Bytes that an item holds. */
export function itemBytes({ image, labels, field }: TrainItem): number {
  return image.byteLength + (labels?.byteLength ?? 0) +
    (field?.byteLength ?? 0);
}

async function readImage(core: Core, path: string) {
  const bytes = new Uint8Array(await readFile(path));
  const planes = layOutPlanes(await decodeImage(bytes, { limits: LIMITS }));
  if (planes.length !== 1) return undefined;
  const [plane] = planes;
  const { size, channels } = plane;
  const image = toPlanar(core, plane);
  const { low, high, constantChannels } = core.normalizeImage(image, {
    ...size,
    channels,
  });
  // a channel without contrast becomes 0 at normalizing, too
  const range = low.map((value, k) =>
    [value, constantChannels.includes(k) ? value + 1 : high[k]] as const
  );
  return { image, size, channels, range };
}

/** Planes in the file's own type, which is the smallest. */
function toPlanar(core: Core, plane: Plane): PixelArray {
  const { data, size, channels, starts, step } = plane;
  const pixels = size.height * size.width;
  if (step === 1 && channels === 1) {
    return data.slice(starts[0], starts[0] + pixels);
  }
  const make = data.constructor as new (length: number) => PixelArray;
  const out = new make(channels * pixels);
  if (step === 1) {
    for (const [k, start] of starts.entries()) {
      out.set(data.subarray(start, start + pixels), k * pixels);
    }
    return out;
  }
  const all = data.subarray(starts[0], starts[0] + pixels * step);
  out.set(core.toPlanar(all, { ...size, channels }));
  return out;
}

async function readField(path: string): Promise<Float32Array> {
  return toFloats(decodeNpy(new Uint8Array(await readFile(path))));
}

function spell({ height, width }: Size2D): string {
  return `${height}×${width}`;
}

function messageOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}
