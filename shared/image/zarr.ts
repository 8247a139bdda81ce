/**
 * Zarr and OME-Zarr, versions 2 and 3, from any store.
 *
 * @module
 */
import * as zarr from "zarrita";
import {
  ArgumentError,
  CorruptImageError,
  ImageTooLargeError,
  isSegError,
  UnsupportedFormatError,
} from "../errors.ts";
import { type Axes, decideAxes } from "./axes.ts";
import {
  assemble,
  type DecodedArray,
  type DecodeOptions,
  narrowIntegers,
} from "./decoded.ts";
import { type Budget, createBudget } from "./limits.ts";
import { type NgffFacts, readNgff } from "./ngff.ts";
import type { NpyData } from "./npy.ts";
import { boundCodecs } from "./zarr_codecs.ts";

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

/** Chunks of a large array at most. */
const MAX_CHUNKS = 2 ** 18;
/** Bytes of a metadata document at most. */
const MAX_METADATA_BYTES = 1 << 24;

/**
 * Decode an array of a Zarr hierarchy: the full resolution of the first image.
 *
 * @param options  `entry`: path of another image, label image or array
 * @throws {UnsupportedFormatError} for plates, other types and codecs
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 *
 * Source: zarr-specs v2 and v3; NGFF 0.4 and 0.5 (multiscales).
 */
export async function decodeZarr(
  store: ZarrStore,
  options: DecodeOptions = {},
): Promise<DecodedArray> {
  boundCodecs();
  const budget = createBudget(options.limits);
  try {
    return await decode(checkedStore(store), options, budget);
  } catch (err) {
    throw translate(err);
  }
}

/** An array whose metadata is read. */
export interface OpenedZarr {
  readonly axes: Axes;
  readonly facts: NgffFacts;
  /** As the metadata names it. */
  readonly dtype: string;
  /** Rows of a chunk. */
  readonly chunkRows: number;
  /**
   * Read a part.
   *
   * @param selection  an index or a range for each axis; null: all
   */
  readonly read: (
    selection: readonly (number | null | readonly [number, number])[],
  ) => Promise<NpyData>;
}

/**
 * Read the metadata of a Zarr hierarchy; otherwise as `decodeZarr`.
 *
 * @param options  `limits`: of what is read at a time
 */
export async function openZarr(
  store: ZarrStore,
  options: DecodeOptions = {},
): Promise<OpenedZarr> {
  boundCodecs();
  const budget = createBudget(options.limits);
  try {
    const { node, facts } = await openArray(checkedStore(store), options);
    const told = facts.axes ?? readDimensionNames(node);
    const axes = decideAxes(node.shape, { given: options.axes, told });
    const chunk = node.chunks.reduce((a, b) => a * b, 1);
    budget.checkSize({
      samples: chunk,
      bytesPerSample: bytesOf(node.dtype),
      encodedBytes: Infinity,
    });
    return {
      axes,
      facts,
      dtype: node.dtype,
      chunkRows:
        node.chunks[node.shape.length - (axes.axes.endsWith("C") ? 3 : 2)],
      async read(selection) {
        try {
          return await readArray(
            node,
            selection.map((each) =>
              typeof each === "object" && each !== null
                ? zarr.slice(each[0], each[1])
                : each
            ),
          );
        } catch (err) {
          throw translate(err);
        }
      },
    };
  } catch (err) {
    throw translate(err);
  }
}

async function decode(
  store: ZarrStore,
  options: DecodeOptions,
  budget: Budget,
): Promise<DecodedArray> {
  const { node, facts } = await openArray(store, options);
  const { shape, dtype } = node;
  const bytesPerSample = bytesOf(dtype);
  const samples = shape.reduce((a, b) => a * b, 1);
  const chunk = node.chunks.reduce((a, b) => a * b, 1);
  for (const count of [samples, chunk]) {
    budget.checkSize({
      samples: count,
      bytesPerSample,
      encodedBytes: Infinity,
    });
  }
  await checkChunks(node, samples * bytesPerSample, budget);

  const told = facts.axes ?? readDimensionNames(node);
  const narrow = narrowIntegers({ data: await readArray(node, null) });
  const image = assemble(
    narrow.data,
    "zarr",
    decideAxes(shape, { given: options.axes, told }),
    narrow.warnings,
  );
  return {
    ...image,
    ...(facts.pixelSize && { pixelSize: facts.pixelSize }),
    ...(facts.channelNames && { channelNames: facts.channelNames }),
  };
}

type ZarrArray = zarr.Array<zarr.DataType, ZarrStore>;

/** Find the array: the full resolution of the first image. */
async function openArray(
  store: ZarrStore,
  options: DecodeOptions,
): Promise<{ node: ZarrArray; facts: NgffFacts }> {
  const root = zarr.root(store);
  const path = options.entry ?? "";
  let node = await zarr.open(path === "" ? root : root.resolve(path));
  let facts: NgffFacts = {};
  if (node.kind === "group") {
    // bioformats2raw: the images of a file are the groups 0, 1, …
    const isSeries = "bioformats2raw.layout" in flatten(node.attrs);
    if (isSeries) node = await zarr.open(node.resolve("0"));
    facts = readNgff(flatten(node.attrs));
    if (facts.path === undefined) {
      throw new UnsupportedFormatError("A Zarr group without an image", [
        "OME-Zarr images",
        "arrays",
      ], { advice: "Give the path of an image or array in it" });
    }
    node = await zarr.open(node.resolve(facts.path));
  }
  if (node.kind !== "array") {
    throw new CorruptImageError("zarr", `${facts.path} is no array`);
  }
  return { node, facts };
}

/** Bytes of a sample. */
function bytesOf(dtype: string): number {
  const bits = /^(?:u?int|float)(8|16|32|64)$/.exec(dtype)?.[1] ??
    (dtype === "bool" ? "8" : undefined);
  if (bits === undefined) {
    throw new UnsupportedFormatError(`The Zarr type ${dtype}`, [
      "integers",
      "floats",
    ]);
  }
  return Number(bits) / 8;
}

/** All of an array, or a part; a single number is an array of one. */
async function readArray(
  node: ZarrArray,
  selection: (number | null | zarr.Slice)[] | null,
): Promise<NpyData> {
  const { data, stride, shape } = await zarr.get(node, selection) as {
    data: unknown;
    stride: number[];
    shape: number[];
  };
  checkOrder(shape, stride);
  return node.dtype === "bool"
    ? Uint8Array.from(data as Iterable<number>, Number)
    : widen(data);
}

/**
 * Large arrays must have chunks to show for it: metadata of a few bytes can
 * claim any size, since chunks that are absent are filled.
 */
async function checkChunks(
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
function checkedStore(store: ZarrStore): ZarrStore {
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

/** NGFF 0.5 keeps its attributes under "ome". */
function flatten(attributes: Record<string, unknown>): Record<string, unknown> {
  const { ome } = attributes;
  return typeof ome === "object" && ome !== null
    ? { ...attributes, ...ome }
    : attributes;
}

/** Axes of plain arrays: version 3's dimension names, or xarray's. */
function readDimensionNames(
  array: ZarrArray,
): string | undefined {
  const names: unknown = array.dimensionNames ??
    array.attrs["_ARRAY_DIMENSIONS"];
  if (!Array.isArray(names)) return undefined;
  const axes = names.map((name) => String(name).toUpperCase()).join("");
  return /^[TCZYX]+$/.test(axes) && new Set(axes).size === axes.length
    ? axes
    : undefined;
}

function widen(data: unknown): NpyData {
  if (ArrayBuffer.isView(data) && data.constructor.name !== "Float16Array") {
    return data as NpyData;
  }
  return Float32Array.from(data as Iterable<number>);
}

function checkOrder(shape: readonly number[], stride: readonly number[]) {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] > 1 && stride[i] !== expected) {
      throw new UnsupportedFormatError("Zarr in Fortran order", ["C order"]);
    }
    expected *= shape[i];
  }
}

/** The library's errors, by the tags it gives them. */
function translate(err: unknown): unknown {
  if (isSegError(err) || err instanceof ArgumentError) return err;
  if (err instanceof Error && isSegError(err.cause)) return err.cause;
  if (zarr.isZarritaError(err, "UnknownCodecError", "UnsupportedError")) {
    return new UnsupportedFormatError(`A Zarr feature (${err.message})`, [
      "blosc, gzip, zlib, zstd, lz4 and no compression",
    ], { cause: err });
  }
  const detail = err instanceof Error ? err.message : String(err);
  return new CorruptImageError("zarr", detail, { cause: err });
}
