/**
 * `.npy` files of numbers, packed or not.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { decodeNpy, encodeNpy, type NpyData } from "../../shared/image/npy.ts";

type Numbers = Exclude<NpyData, BigInt64Array | BigUint64Array>;

/** An array with its shape, slowest axis first. */
export interface NumberArray {
  readonly data: Numbers;
  readonly shape: readonly number[];
}

/** Read a file, unpacked if it is a `.gz`; 64-bit integers become i32. */
export async function readNpy(path: string): Promise<NumberArray> {
  const file = await readFile(path);
  const bytes = path.endsWith(".gz") ? gunzipSync(file) : file;
  const { data, shape } = decodeNpy(bytes);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return { data: Int32Array.from(data as BigInt64Array, Number), shape };
  }
  return { data, shape };
}

/** Write an array of `shape`. */
export async function writeNpy(
  path: string,
  data: Numbers,
  shape: readonly number[],
): Promise<void> {
  await writeFile(path, encodeNpy(data, shape));
}
