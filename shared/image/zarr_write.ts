/**
 * Labels as OME-Zarr: a label image of NGFF 0.5 in Zarr 3, or of NGFF 0.4 in
 * Zarr 2, as files.
 *
 * Own code: the Zarr library writes uncompressed chunks only.
 *
 * @module
 */
import { gzipSync } from "fflate";
import { ArgumentError } from "../errors.ts";
import {
  checkLength,
  countPixels,
  isVolume,
  type LabelArray,
  type Size,
} from "../ndarray.ts";
import { type LabelImage, narrowLabels, shapeOf } from "./labels.ts";
import type { PixelSize } from "./pixel_size.ts";
import { describeNgff04, describeNgff05, LEVEL } from "./zarr_describe.ts";

/** Edge of a chunk: 1024² u32 are 4 MiB before packing. */
const CHUNK_EDGE = 1024;

/** How labels are written as OME-Zarr. */
export interface ZarrLabelOptions {
  /** Name of the label image; default "cells". */
  readonly name?: string;
  /** Micrometers. */
  readonly pixelSize?: PixelSize;
  /** Of NGFF: "0.5" in Zarr 3 (default), "0.4" in Zarr 2 for older readers. */
  readonly version?: "0.4" | "0.5";
}

/** Labels that are asked for in rows. */
export interface StreamedLabels {
  readonly size: Size;
  /** Whether a label exceeds 65535. */
  readonly isWide: boolean;
  /** Rows of a plane. */
  readonly readRows: (
    plane: number,
    top: number,
    count: number,
  ) => LabelArray;
}

/**
 * Encode labels as the files of a Zarr group `labels/NAME` and its parents.
 *
 * An existing OME-Zarr image takes them where the root's `zarr.json` is left
 * as it is.
 *
 * @returns  file contents by path; the same for the same labels
 * @throws {ArgumentError}
 *
 * Source: Zarr 3 core; NGFF 0.5 §2.6 labels, §2.4 multiscales.
 */
export function encodeZarrLabels(
  { masks, size }: LabelImage,
  options: ZarrLabelOptions = {},
): Map<string, Uint8Array> {
  checkLength("masks", masks, countPixels(size));
  const labels = narrowLabels(masks);
  const { height, width } = size;
  return new Map(listZarrLabels({
    size,
    isWide: labels instanceof Uint32Array,
    readRows: (plane, top, count) => {
      const from = (plane * height + top) * width;
      return labels.subarray(from, from + count * width);
    },
  }, options));
}

/**
 * The files of `encodeZarrLabels` one after the other; a row of chunks is read
 * at a time.
 *
 * @throws {ArgumentError}
 */
export function* listZarrLabels(
  { size, isWide, readRows }: StreamedLabels,
  options: ZarrLabelOptions = {},
): Generator<[path: string, content: Uint8Array]> {
  const { name = "cells", version = "0.5" } = options;
  if (!/^[\w.-]+$/.test(name) || name.startsWith(".")) {
    throw new ArgumentError("name", `"${name}" is no name of a group`);
  }
  const shape = shapeOf(size);
  const chunk = shape.map((edge, i) =>
    i < shape.length - 2 ? 1 : Math.min(edge, CHUNK_EDGE)
  );
  const about = { name, shape, chunk, isWide, pixelSize: options.pixelSize };
  yield* version === "0.4" ? describeNgff04(about) : describeNgff05(about);

  const depth = isVolume(size) ? size.depth : 1;
  const { height, width } = size;
  const [rows, columns] = chunk.slice(-2);
  const separator = version === "0.4" ? "" : "c/";
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y += rows) {
      const band = readRows(z, y, Math.min(rows, height - y));
      for (let x = 0; x < width; x += columns) {
        const part = cutChunk(band, { x, width, rows, columns, isWide });
        // absent chunks are background
        if (part === undefined) continue;
        const key = [
          ...(isVolume(size) ? [z] : []),
          y / rows,
          x / columns,
        ].join("/");
        yield [
          `labels/${name}/0/${separator}${key}`,
          gzipSync(part, { level: LEVEL, mtime: 0 }),
        ];
      }
    }
  }
}

/** One chunk, padded with background; undefined if it is all background. */
function cutChunk(
  band: LabelArray,
  { x, width, rows, columns, isWide }: {
    x: number;
    width: number;
    rows: number;
    columns: number;
    isWide: boolean;
  },
): Uint8Array | undefined {
  const out = new (isWide ? Uint32Array : Uint16Array)(rows * columns);
  for (let v = 0; v * width < band.length; v++) {
    const from = v * width + x;
    const end = from + Math.min(columns, width - x);
    out.set(band.subarray(from, end), v * columns);
  }
  return out.some((label) => label !== 0)
    ? new Uint8Array(out.buffer)
    : undefined;
}
