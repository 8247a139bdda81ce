/**
 * Cellpose's `_seg.npy`: labels, outlines and flows in a pickled dict, read
 * without running anything.
 *
 * @module
 */
import {
  ArgumentError,
  CorruptImageError,
  UnsupportedFormatError,
} from "../errors.ts";
import type { Size } from "../ndarray.ts";
import { toLabels } from "./npy.ts";
import {
  readPickle,
  type Unpickled,
  type UnpickledArray,
} from "./pickle_read.ts";

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
