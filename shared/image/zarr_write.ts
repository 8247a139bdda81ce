/**
 * Labels as OME-Zarr: a label image of NGFF 0.5 in Zarr 3, as files.
 *
 * Own code: the Zarr library writes uncompressed chunks only.
 *
 * @module
 */
import { gzipSync } from "fflate";
import { ArgumentError } from "../errors.ts";
import { checkLength, countPixels, isVolume } from "../ndarray.ts";
import { type LabelImage, narrowLabels, shapeOf } from "./labels.ts";
import type { PixelSize } from "./pixel_size.ts";

/** Edge of a chunk: 1024² u32 are 4 MiB before packing. */
const CHUNK_EDGE = 1024;

/** How labels are written as OME-Zarr. */
export interface ZarrLabelOptions {
  /** Name of the label image; default "cells". */
  readonly name?: string;
  /** Micrometers. */
  readonly pixelSize?: PixelSize;
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
  const { name = "cells", pixelSize } = options;
  if (!/^[\w.-]+$/.test(name) || name.startsWith(".")) {
    throw new ArgumentError("name", `"${name}" is no name of a group`);
  }
  checkLength("masks", masks, countPixels(size));
  const data = narrowLabels(masks);
  const shape = shapeOf(size);
  const axes = isVolume(size) ? ["z", "y", "x"] : ["y", "x"];
  const scale = axes.map((axis) => pixelSize?.[axis as "z" | "y" | "x"] ?? 1);
  const unit = pixelSize ? { unit: "micrometer" } : {};
  const image = {
    version: "0.5",
    multiscales: [{
      name,
      axes: axes.map((axis) => ({ name: axis, type: "space", ...unit })),
      datasets: [{
        path: "0",
        coordinateTransformations: [{ type: "scale", scale }],
      }],
    }],
  };
  const files = new Map<string, Uint8Array>();
  const group = (path: string, ome: Record<string, unknown>) =>
    files.set(
      path,
      toJson({ zarr_format: 3, node_type: "group", attributes: { ome } }),
    );
  // the root shows the labels as its image, so that it opens by itself
  const [multiscale] = image.multiscales;
  const datasets = multiscale.datasets
    .map((dataset) => ({ ...dataset, path: `labels/${name}/0` }));
  group("zarr.json", {
    version: "0.5",
    multiscales: [{ ...multiscale, datasets }],
  });
  group("labels/zarr.json", { version: "0.5", labels: [name] });
  group(`labels/${name}/zarr.json`, {
    ...image,
    "image-label": { source: { image: "../../" } },
  });

  const chunk = shape.map((edge, i) =>
    i < shape.length - 2 ? 1 : Math.min(edge, CHUNK_EDGE)
  );
  const bytes = data.BYTES_PER_ELEMENT;
  files.set(
    `labels/${name}/0/zarr.json`,
    toJson({
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: bytes === 2 ? "uint16" : "uint32",
      chunk_grid: { name: "regular", configuration: { chunk_shape: chunk } },
      chunk_key_encoding: {
        name: "default",
        configuration: { separator: "/" },
      },
      fill_value: 0,
      codecs: [
        { name: "bytes", configuration: { endian: "little" } },
        { name: "gzip", configuration: { level: 4 } },
      ],
      dimension_names: axes,
      attributes: {},
    }),
  );
  const [height, width] = shape.slice(-2);
  const depth = data.length / (height * width);
  const [rows, columns] = chunk.slice(-2);
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y += rows) {
      for (let x = 0; x < width; x += columns) {
        const part = cutChunk(data, { z, y, x, height, width, rows, columns });
        // absent chunks are background
        if (part === undefined) continue;
        const key = [
          ...(isVolume(size) ? [z] : []),
          y / rows,
          x / columns,
        ].join("/");
        files.set(
          `labels/${name}/0/c/${key}`,
          gzipSync(part, { level: 4, mtime: 0 }),
        );
      }
    }
  }
  return files;
}

/** One chunk, padded with background; undefined if it is all background. */
function cutChunk(
  data: Uint16Array | Uint32Array,
  { z, y, x, height, width, rows, columns }: {
    z: number;
    y: number;
    x: number;
    height: number;
    width: number;
    rows: number;
    columns: number;
  },
): Uint8Array | undefined {
  const type = data instanceof Uint16Array ? Uint16Array : Uint32Array;
  const out = new type(rows * columns);
  for (let v = 0; v < rows && y + v < height; v++) {
    const from = (z * height + y + v) * width + x;
    const end = from + Math.min(columns, width - x);
    out.set(data.subarray(from, end), v * columns);
  }
  return out.some((label) => label !== 0)
    ? new Uint8Array(out.buffer)
    : undefined;
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, null, 2));
}
