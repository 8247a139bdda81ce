/**
 * Zarr and OME-Zarr, versions 2 and 3, from any store.
 *
 * @module
 */
import * as zarr from "zarrita";
import {
  ArgumentError,
  CorruptImageError,
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
import {
  checkChunks,
  checkedStore,
  type ZarrArray,
  type ZarrStore,
} from "./zarr_bounds.ts";
import { boundCodecs } from "./zarr_codecs.ts";

export type { ByteRange, ZarrStore } from "./zarr_bounds.ts";

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
