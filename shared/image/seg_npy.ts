/**
 * Cellpose's `_seg.npy`: labels, outlines and flows in a pickled dict, written
 * so that Cellpose's interface loads it, read without running anything.
 *
 * @module
 */
import {
  ArgumentError,
  CorruptImageError,
  UnsupportedFormatError,
} from "../errors.ts";
import { checkLength, countPixels, isVolume, type Size } from "../ndarray.ts";
import {
  type LabelImage,
  listLabels,
  narrowLabels,
  shapeOf,
} from "./labels.ts";
import { toLabels } from "./npy.ts";
import {
  type Pickled,
  type PickledArray,
  pickleObjectArray,
} from "./pickle_write.ts";
import {
  readPickle,
  type Unpickled,
  type UnpickledArray,
} from "./pickle_read.ts";

/** What a `_seg.npy` is written from. */
export interface SegSource extends LabelImage {
  /** The image's file name: the interface looks for it beside the file. */
  readonly filename: string;
  /**
   * H×W or D×H×W: 1 on outline pixels, drawn inside the labels; default: the
   * pixels of a label that touch another or the background.
   */
  readonly outlines?: ArrayLike<number>;
  readonly flows?: SegFlows;
  /** Pixels; default unknown (NaN). */
  readonly diameter?: number;
}

/** The network's output, where it is kept; images only. */
export interface SegFlows {
  /** H×W×3 u8: the flows as colors. */
  readonly rgb: Uint8Array;
  /** 2×H×W f32 (dY, dX), unit scale. */
  readonly flows: Float32Array;
  /** H×W f32, logit. */
  readonly cellprob: Float32Array;
}

/** What a `_seg.npy` holds. */
export interface Seg {
  /** Labels; −1 for the background of old files is 0 here. */
  readonly masks: Uint32Array;
  readonly size: Size;
  readonly filename?: string;
  /** Pixels; absent where unknown. */
  readonly diameter?: number;
  /** All entries, for what is not named here. */
  readonly entries: ReadonlyMap<string, unknown>;
}

const HEADER = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";

/**
 * Encode a `_seg.npy`.
 *
 * @throws {ArgumentError}
 *
 * Source: Cellpose 4.2.1.1 `masks_flows_to_seg`: keys and their dtypes; u16,
 *   or u32 from label 65535 on.
 * Differs: `flows` are [RGB, cellprob as 0–255, dP, cellprob], the order of
 *   Cellpose's interface, so that it can apply other thresholds to them; the
 *   command line of Cellpose writes another order.
 */
export function encodeSegNpy(source: SegSource): Uint8Array {
  const { masks, size, filename, flows, diameter = NaN } = source;
  const pixels = countPixels(size);
  checkLength("masks", masks, pixels);
  const shape = shapeOf(size);
  const labels = narrowLabels(masks);
  const outlines = labels.map((label, i) =>
    (source.outlines ? source.outlines[i] > 0 : isBorder(labels, shape, i))
      ? label
      : 0
  );
  const cells = listLabels(masks).length;
  const dict: Record<string, Pickled> = {
    outlines: { data: outlines, shape },
    masks: { data: labels, shape },
    chan_choose: [0, 0],
    ismanual: { data: new Uint8Array(cells), shape: [cells], isBool: true },
    filename,
    flows: flows ? pickleFlows(flows, size) : [],
    diameter,
  };
  const pickle = pickleObjectArray(dict);
  // magic, version 1.0, header padded to 128 bytes
  const out = new Uint8Array(128 + pickle.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  out.set(new TextEncoder().encode(HEADER.padEnd(117, " ") + "\n"), 10);
  out.set(pickle, 128);
  return out;
}

/**
 * Decode a `_seg.npy`; nothing in it is run.
 *
 * @param bytes  the whole file
 * @throws {UnsupportedFormatError} if it is no such file, or names anything
 *   but NumPy's arrays
 * @throws {CorruptImageError}
 */
export function decodeSegNpy(bytes: Uint8Array): Seg {
  const dict = readPickle(bytes.subarray(findPickle(bytes)));
  const content = Array.isArray(dict) ? dict[0] : dict;
  if (!(content instanceof Map)) {
    throw new CorruptImageError("_seg.npy", "it holds no dict");
  }
  const entries = new Map<string, unknown>();
  for (const [key, value] of content) entries.set(String(key), value);
  const masks = content.get("masks");
  if (!isArray(masks)) throw new CorruptImageError("_seg.npy", "no masks");
  // one plane may have a leading axis of 1
  const shape = masks.shape.filter((edge, i) =>
    edge !== 1 || i >= masks.shape.length - 2
  );
  if (shape.length !== 2 && shape.length !== 3) {
    throw new CorruptImageError(
      "_seg.npy",
      `its masks have the shape (${masks.shape.join(", ")})`,
    );
  }
  const [height, width] = shape.slice(-2);
  const size = shape.length === 3
    ? { depth: shape[0], height, width }
    : { height, width };
  const filename = content.get("filename");
  const diameter = content.get("diameter");
  return {
    masks: toMasks(masks),
    size,
    ...(typeof filename === "string" && { filename }),
    ...(typeof diameter === "number" && diameter > 0 && { diameter }),
    entries,
  };
}

/** True for a .npy file that holds a Python object. */
export function isObjectNpy(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 128));
  return start.startsWith("\x93NUMPY") && /'descr'\s*:\s*'\|O'/.test(start);
}

function findPickle(bytes: Uint8Array): number {
  if (!isObjectNpy(bytes)) {
    throw new UnsupportedFormatError("A file that is no _seg.npy", [
      "_seg.npy of Cellpose",
    ]);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes[6] === 1
    ? 10 + view.getUint16(8, true)
    : 12 + view.getUint32(8, true);
}

function isArray(value: Unpickled | undefined): value is UnpickledArray {
  return typeof value === "object" && value !== null && "data" in value;
}

function toMasks({ data, shape }: UnpickledArray): Uint32Array {
  let low = 0;
  for (const value of data) if (Number(value) < low) low = Number(value);
  if (low < -1) {
    throw new CorruptImageError("_seg.npy", `${low} is no label`);
  }
  // files of Cellpose 1 have −1 for the background
  const shifted = low === -1
    ? Float64Array.from(data as ArrayLike<number>, (v) => Number(v) + 1)
    : data;
  try {
    return toLabels({ data: shifted, shape, dtype: "<f8" });
  } catch (err) {
    if (!(err instanceof ArgumentError)) throw err;
    throw new CorruptImageError("_seg.npy", err.message, { cause: err });
  }
}

function pickleFlows(
  { rgb, flows, cellprob }: SegFlows,
  size: Size,
): PickledArray[] {
  if (isVolume(size)) {
    throw new ArgumentError("flows", "those of volumes are not written");
  }
  const { height, width } = size;
  const pixels = height * width;
  checkLength("flows.rgb", rgb, 3 * pixels);
  checkLength("flows.flows", flows, 2 * pixels);
  checkLength("flows.cellprob", cellprob, pixels);
  // −6 … 6 to 0 … 255: beyond these a pixel is certain
  const shown = Uint8Array.from(
    cellprob,
    (value) => Math.max(0, Math.min(255, (value + 6) / 12 * 255)),
  );
  // the interface expects the network's scale
  const scaled = flows.map((value) => value * 5);
  return [
    { data: rgb, shape: [1, height, width, 3] },
    { data: shown, shape: [1, height, width] },
    { data: scaled, shape: [2, height, width] },
    { data: cellprob, shape: [height, width] },
  ];
}

/** Whether a pixel of a label has a 4-neighbor outside of it. */
function isBorder(
  labels: ArrayLike<number>,
  shape: readonly number[],
  i: number,
): boolean {
  const label = labels[i];
  if (label === 0) return false;
  const [height, width] = shape.slice(-2);
  const x = i % width;
  const y = Math.floor(i / width) % height;
  return x === 0 || x === width - 1 || y === 0 || y === height - 1 ||
    labels[i - 1] !== label || labels[i + 1] !== label ||
    labels[i - width] !== label || labels[i + width] !== label;
}
