/**
 * An image file whose rows are read where they are needed: only its header is
 * looked at before.
 *
 * TIFF, NPY and OME-Zarr are read in bands; other files are decoded whole.
 *
 * @module
 */
import { ArgumentError, UnsupportedFormatError } from "../errors.ts";
import { type Axes, decideAxes } from "./axes.ts";
import type { ByteSource } from "./byte_source.ts";
import { decodeImage } from "./decode.ts";
import {
  type DecodedArray,
  type DecodeOptions,
  type ImageDtype,
  nameDtype,
} from "./decoded.ts";
import { createBudget } from "./limits.ts";
import { decodeNpyArray, readNpyHeader } from "./npy.ts";
import { cacheRows } from "./row_cache.ts";
import { sniffImage } from "./sniff.ts";
import { openTiff } from "./tiff.ts";
import { layOutPages, nameAxes } from "./tiff_axes.ts";
import type { PixelArray } from "./types.ts";
import { openZarr, type ZarrStore } from "./zarr.ts";

/** Rows of one plane: all its channels. */
export interface ImageBand {
  readonly data: PixelArray;
  /** "CYX", "YXC" or "YX". */
  readonly axes: string;
  readonly shape: readonly number[];
}

/** An image, its pixels aside, and how to read them. */
export interface OpenedImage extends Omit<DecodedArray, "data"> {
  readonly size: { readonly height: number; readonly width: number };
  readonly channels: number;
  /** Planes: times and depths, in the order of the axes. */
  readonly depth: number;
  /** False where the file was decoded whole. */
  readonly isBanded: boolean;
  readonly readBand: (
    plane: number,
    top: number,
    count: number,
  ) => Promise<ImageBand>;
}

/** Strips and tiles that are unpacked to read some of their rows, bytes. */
const MAX_BLOCK = 2 ** 28;

/** Axes that are read in bands. */
const AXES = /^(?:([TZC]*)YX|([TZ]*)YXC)$/;

/**
 * Open an image.
 *
 * @param source   a file, or its bytes
 * @param options  axes; limits of what is unpacked at a time
 * @throws {UnsupportedFormatError | CorruptImageError | ImageTooLargeError}
 * @throws {ArgumentError} if the axes do not fit, or Y and X are not last
 */
export async function openImage(
  source: ByteSource,
  options: DecodeOptions = {},
): Promise<OpenedImage> {
  const format = sniffImage(source.read(0, 132));
  if (format === "tiff") return await openTiffImage(source, options);
  if (format === "npy") {
    const npy = openNpyImage(source, options);
    if (npy !== undefined) return npy;
  }
  return openDecoded(
    await decodeImage(source.read(0, source.length), options),
  );
}

/** Open an OME-Zarr image; otherwise as `openImage`. */
export async function openZarrImage(
  store: ZarrStore,
  options: DecodeOptions = {},
): Promise<OpenedImage> {
  const { axes, facts, dtype, chunkRows, read } = await openZarr(
    store,
    options,
  );
  if (/64$/.test(dtype) && dtype !== "float64") {
    throw new UnsupportedFormatError(`The Zarr type ${dtype}, in bands`, [
      "integers of 32 bits",
      "floats",
    ]);
  }
  const layout = layOutBands(axes);
  const { width, channels, leading, isInterleaved } = layout;
  const select = async (plane: number, top: number, count: number) => {
    const at = indicesOf(leading, plane);
    const selection = [...axes.axes].map((axis) =>
      axis === "Y" ? [top, top + count] as const : at.get(axis) ?? null
    );
    return await read(selection) as PixelArray;
  };
  const readBand = cacheRows({
    height: layout.height,
    // a band of chunks; planes of all channels are one after the other
    blockRows: chunkRows,
    rowValues: width * channels,
    planes: isInterleaved ? 1 : channels,
    read: select,
  });
  const first = await readBand(0, 0, 1);
  return {
    ...layout.facts,
    dtype: nameDtype(first),
    format: "zarr",
    ...(facts.pixelSize && { pixelSize: facts.pixelSize }),
    ...(facts.channelNames && { channelNames: facts.channelNames }),
    warnings: axes.warnings,
    isBanded: true,
    readBand: async (plane, top, count) =>
      layout.nameBand(await readBand(plane, top, count), count),
  };
}

/** A decoded image as an opened one. */
export function openDecoded(image: DecodedArray): OpenedImage {
  const { data, ...facts } = image;
  const { axes, shape, axesInferred, warnings } = image;
  const layout = layOutBands({
    axes,
    shape,
    inferred: axesInferred,
    warnings,
  });
  const { width, height, channels, leading, isInterleaved } = layout;
  return {
    ...facts,
    ...layout.facts,
    isBanded: false,
    readBand: (plane, top, count) => {
      const at = indicesOf(leading, plane);
      const planes = isInterleaved ? 1 : channels;
      const rowValues = width * (isInterleaved ? channels : 1);
      const length = count * rowValues;
      const out = allocate(data, planes * length);
      for (let c = 0; c < planes; c++) {
        // the place of this plane and channel among all
        let place = 0;
        for (const [i, axis] of [...axes].entries()) {
          if (axis === "Y") break;
          place = place * shape[i] + (axis === "C" ? c : at.get(axis) ?? 0);
        }
        const from = (place * height + top) * rowValues;
        out.set(data.subarray(from, from + length), c * length);
      }
      return Promise.resolve(layout.nameBand(out, count));
    },
  };
}

async function openTiffImage(
  source: ByteSource,
  options: DecodeOptions,
): Promise<OpenedImage> {
  const limits = { maxRatio: Infinity, ...options.limits };
  const tiff = openTiff(source, createBudget(limits));
  const pages = layOutPages(tiff);
  const [firstPage] = pages.order;
  const page = tiff.pages[firstPage];
  const { height, width, block } = page;
  const sample = await tiff.readRows(firstPage, 0, 1);
  const samples = sample.length / width;
  const size = { height, width, channels: samples };
  const axes = nameAxes(pages, size, options.axes);
  const layout = layOutBands(axes);
  const { channels, leading, isInterleaved } = layout;
  const blockSize = Math.min(block.height, height) * width *
    samples * sample.BYTES_PER_ELEMENT;
  if (page.compression !== 1 && blockSize > MAX_BLOCK) {
    throw new UnsupportedFormatError(
      `A TIFF whose strips unpack to ${blockSize} bytes, in bands`,
      ["tiles and smaller strips"],
      {
        advice:
          "Write it anew in tiles, as tifffile does with tile=(512, 512), or raise the memory budget",
      },
    );
  }
  const planes = isInterleaved ? 1 : channels;
  const readBand = cacheRows({
    height,
    blockRows: page.compression === 1 ? 1 : block.height,
    rowValues: width * samples * planes,
    planes,
    async read(plane, top, count) {
      const at = indicesOf(leading, plane);
      const length = count * width * samples;
      const out = allocate(sample, planes * length);
      for (let c = 0; c < planes; c++) {
        let place = 0;
        for (const [i, axis] of [...axes.axes].entries()) {
          if (axis === "Y") break;
          const index = axis === "C" ? c : at.get(axis) ?? 0;
          place = place * axes.shape[i] + index;
        }
        const rows = await tiff.readRows(pages.order[place], top, count);
        out.set(rows, c * length);
      }
      return out;
    },
  });
  return {
    ...layout.facts,
    dtype: nameDtype(sample),
    format: "tiff",
    ...(pages.pixelSize && { pixelSize: pages.pixelSize }),
    ...(pages.channelNames && { channelNames: pages.channelNames }),
    warnings: [...pages.warnings, ...axes.warnings],
    isBanded: true,
    readBand: async (plane, top, count) =>
      layout.nameBand(await readBand(plane, top, count), count),
  };
}

/** Rows of an array in C order lie together; others are read whole. */
function openNpyImage(
  source: ByteSource,
  options: DecodeOptions,
): OpenedImage | undefined {
  const header = readNpyHeader(source.read(0, 1 << 16));
  const { descr, isFortran, shape, at } = header;
  // 64-bit integers are narrowed by the greatest of all
  if (isFortran || /^[<>=]?[iu]8$/.test(descr)) return undefined;
  const layout = layOutBands(decideAxes(shape, { given: options.axes }));
  const { width, height, channels, leading, isInterleaved } = layout;
  const sampleBytes = Number(descr.slice(2));
  const planes = isInterleaved ? 1 : channels;
  const rowValues = width * (isInterleaved ? channels : 1);
  const { axes } = layout.facts;
  const decode = (bytes: Uint8Array) =>
    decodeNpyArray(bytes, {
      descr,
      isFortran,
      shape: [bytes.length / sampleBytes],
    }, { offset: at }).data as PixelArray;
  return {
    ...layout.facts,
    dtype: nameDtype(decode(source.read(at, at + sampleBytes))),
    format: "npy",
    isBanded: true,
    readBand(plane, top, count) {
      const indices = indicesOf(leading, plane);
      const bytes = new Uint8Array(planes * count * rowValues * sampleBytes);
      const length = bytes.length / planes;
      for (let c = 0; c < planes; c++) {
        let place = 0;
        for (const [i, axis] of [...axes].entries()) {
          if (axis === "Y") break;
          const index = axis === "C" ? c : indices.get(axis) ?? 0;
          place = place * shape[i] + index;
        }
        const from = at + (place * height + top) * rowValues * sampleBytes;
        bytes.set(source.read(from, from + length), c * length);
      }
      return Promise.resolve(layout.nameBand(decode(bytes), count));
    },
  };
}

/** What follows from the axes. */
interface BandLayout {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Axes of planes, and their lengths. */
  readonly leading: readonly (readonly [axis: string, length: number])[];
  /** Channels follow X. */
  readonly isInterleaved: boolean;
  readonly facts:
    & Pick<OpenedImage, "axes" | "shape" | "axesInferred" | "warnings">
    & Pick<OpenedImage, "size" | "channels" | "depth">;
  readonly nameBand: (data: PixelArray, count: number) => ImageBand;
}

function layOutBands({ axes, shape, inferred, warnings }: Axes): BandLayout {
  if (!AXES.test(axes) || new Set(axes).size !== axes.length) {
    throw new ArgumentError(
      "axes",
      `${axes} cannot be read in bands; Y and X come last, or are followed by C alone`,
    );
  }
  const edge = (axis: string) => shape[axes.indexOf(axis)] ?? 1;
  const [height, width, channels] = ["Y", "X", "C"].map(edge);
  const leading = [...axes].filter((axis) => !/[CYX]/.test(axis))
    .map((axis) => [axis, edge(axis)] as const);
  const isInterleaved = axes.endsWith("C");
  return {
    height,
    width,
    channels,
    leading,
    isInterleaved,
    facts: {
      axes,
      shape,
      axesInferred: inferred,
      warnings,
      size: { height, width },
      channels,
      depth: leading.reduce((product, [, length]) => product * length, 1),
    },
    nameBand: (data, count) =>
      isInterleaved
        ? { data, axes: "YXC", shape: [count, width, channels] }
        : { data, axes: "CYX", shape: [channels, count, width] },
  };
}

/** The place of a plane on each axis of planes. */
function indicesOf(
  leading: BandLayout["leading"],
  plane: number,
): Map<string, number> {
  const at = new Map<string, number>();
  let rest = plane;
  for (const [axis, length] of leading.toReversed()) {
    at.set(axis, rest % length);
    rest = Math.floor(rest / length);
  }
  return at;
}

function allocate(like: PixelArray, length: number): PixelArray {
  const type = like.constructor as { new (length: number): PixelArray };
  return new type(length);
}

/** Bytes of a decoded image. */
export function decodedBytes(
  { shape, dtype }: Pick<OpenedImage, "shape" | "dtype">,
): number {
  return shape.reduce((a, b) => a * b, 1) * bytesOf(dtype);
}

function bytesOf(dtype: ImageDtype): number {
  return Number(/\d+$/.exec(dtype)?.[0]) / 8;
}
