/**
 * Zarr stores that cannot be made to give more than they hold: huge metadata,
 * and arrays of any size without chunks.
 *
 * @module
 */
import * as zarr from "zarrita";
import { CorruptImageError, ImageTooLargeError } from "../errors.ts";
import type { Budget } from "./limits.ts";

/** Where the keys of a Zarr hierarchy are read: a folder, a zip, a bucket. */
export interface ZarrStore {
  /** The value of a key, as "/0/zarr.json"; undefined if there is none. */
  get(key: `/${string}`): Promise<Uint8Array | undefined>;
  /** Part of a value; without it, all of the value is read. */
  getRange?(
    key: `/${string}`,
    range: ByteRange,
  ): Promise<Uint8Array | undefined>;
}

/** Bytes from an offset, or the last ones. */
export type ByteRange =
  | { readonly offset: number; readonly length: number }
  | { readonly suffixLength: number };

/** An array whose metadata is read. */
export type ZarrArray = zarr.Array<zarr.DataType, ZarrStore>;

/** Chunks of a large array at most. */
const MAX_CHUNKS = 2 ** 18;
/** Bytes of a metadata document at most. */
const MAX_METADATA_BYTES = 1 << 24;

/**
 * Large arrays must have chunks to show for it: metadata of a few bytes can
 * claim any size, since chunks that are absent are filled.
 */
export async function checkChunks(
  array: ZarrArray,
  bytes: number,
  { limits, checkTime }: Budget,
): Promise<void> {
  if (bytes <= limits.ratioFloorBytes || limits.maxRatio === Infinity) return;
  const counts = array.shape.map((n, i) => Math.ceil(n / array.chunks[i]));
  const chunks = counts.reduce((a, b) => a * b, 1);
  if (chunks > MAX_CHUNKS) {
    throw new ImageTooLargeError(chunks, MAX_CHUNKS, "chunks");
  }
  const probe = probeStore(array.store);
  const location = zarr.root(probe.store).resolve(array.path);
  const probed = await zarr.open(location, { kind: "array" });
  const at = counts.map(() => 0);
  for (let axis = 0; axis >= 0;) {
    checkTime();
    try {
      await probed.getChunk(at);
    } catch (err) {
      if (!probe.isStop(err)) throw err;
    }
    if (bytes <= probe.bytesFound() * limits.maxRatio) return;
    for (axis = at.length - 1; axis >= 0; axis--) {
      if (++at[axis] < counts[axis]) break;
      at[axis] = 0;
    }
  }
  throw new ImageTooLargeError(
    Math.round(bytes / Math.max(1, probe.bytesFound())),
    limits.maxRatio,
    "bytes per encoded byte",
  );
}

/**
 * A store that notes the length of each chunk that is asked for, and stops
 * there: an absent chunk would else be made and filled.
 */
function probeStore(store: ZarrStore) {
  const stop = new Error("a chunk is asked for");
  const lengths = new Map<string, number>();
  let found = 0;
  const get = async (key: `/${string}`) => {
    if (isMetadata(key)) return await store.get(key);
    if (!lengths.has(key)) {
      const length = (await store.get(key))?.length ?? 0;
      lengths.set(key, length);
      found += length;
    }
    throw stop;
  };
  return {
    store: { get, getRange: get },
    bytesFound: () => found,
    isStop: (err: unknown) => err === stop,
  };
}

function isMetadata(key: string): boolean {
  return /\/(zarr\.json|\.z[a-z]+)$/.test(key);
}

/** A store that refuses huge metadata, and reads parts of values. */
export function checkedStore(store: ZarrStore): ZarrStore {
  return {
    get: async (key) => {
      const value = await store.get(key);
      if (isMetadata(key) && value && value.length > MAX_METADATA_BYTES) {
        throw new CorruptImageError("zarr", `${key} has ${value.length} bytes`);
      }
      return value;
    },
    // shards are read in parts
    getRange: (key, range) => getRange(store, key, range),
  };
}

async function getRange(
  store: ZarrStore,
  key: `/${string}`,
  range: ByteRange,
): Promise<Uint8Array | undefined> {
  if (store.getRange) return await store.getRange(key, range);
  const value = await store.get(key);
  return "suffixLength" in range
    ? value?.subarray(Math.max(0, value.length - range.suffixLength))
    : value?.subarray(range.offset, range.offset + range.length);
}
