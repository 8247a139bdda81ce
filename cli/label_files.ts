/**
 * Label files on disk: read any format, write the one a name asks for.
 *
 * @module
 */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import FileSystemStore from "@zarrita/storage/fs";
import { ArgumentError } from "../shared/errors.ts";
import { encodeCoco } from "../shared/image/coco.ts";
import { encodeGeoJson } from "../shared/image/geojson.ts";
import { encodeLabelPng, encodeLabelTiff } from "../shared/image/labels.ts";
import { shapeOf } from "../shared/image/labels.ts";
import { stemOf } from "../shared/image/names.ts";
import { encodeNpy } from "../shared/image/npy.ts";
import { encodeOutlinesText } from "../shared/image/outlines_text.ts";
import {
  type DecodedLabels,
  decodeLabels,
  decodeZarrLabels,
  type LabelOptions,
} from "../shared/image/read_labels.ts";
import { encodeRois } from "../shared/image/roi.ts";
import { encodeSegNpy } from "../shared/image/seg_npy_write.ts";
import { encodeCellTable } from "../shared/image/table.ts";
import { encodeZarrLabels } from "../shared/image/zarr_write.ts";
import { isVolume, type Size2D } from "../shared/ndarray.ts";
import type { Core } from "../wasm/mod.ts";

/** Formats that labels are written in, by what a file's name ends with. */
export const LABEL_ENDINGS: readonly (readonly [string, LabelFormat])[] = [
  ["_seg.npy", "seg"],
  ["_outlines.txt", "outlines"],
  [".zarr", "zarr"],
  [".geojson", "geojson"],
  [".json", "coco"],
  [".tif", "tif"],
  [".tiff", "tif"],
  [".png", "png"],
  [".npy", "npy"],
  [".zip", "roi"],
  [".txt", "outlines"],
  [".csv", "csv"],
];

export type LabelFormat =
  | "tif"
  | "png"
  | "npy"
  | "seg"
  | "roi"
  | "geojson"
  | "coco"
  | "zarr"
  | "outlines"
  | "csv";

/**
 * Read a label file, or a Zarr folder.
 *
 * The limits on ratios are for strangers' files; here the caller's own are
 * read, and labels of few cells pack well.
 */
export async function readLabelFile(
  path: string,
  options: LabelOptions = {},
): Promise<DecodedLabels> {
  const local = {
    ...options,
    limits: { maxRatio: Infinity, ...options.limits },
  };
  if ((await stat(path)).isDirectory()) {
    return await decodeZarrLabels(new FileSystemStore(path), local);
  }
  return await decodeLabels(new Uint8Array(await readFile(path)), local);
}

/** What is written beside the labels. */
export interface WriteOptions {
  readonly core: Core;
  /** Default: by the ending of the path. */
  readonly format?: LabelFormat;
  /** Name of the image, for formats that hold it; default: from the path. */
  readonly imageName?: string;
  /** Of OME-Zarr; default 0.5. */
  readonly ngff?: "0.4" | "0.5";
}

/**
 * Write labels in the format that the path's ending names.
 *
 * @throws {ArgumentError} for unknown endings, and for volumes in formats of
 *   images
 */
export async function writeLabelFile(
  path: string,
  labels: DecodedLabels,
  options: WriteOptions,
): Promise<void> {
  const format = options.format ?? formatOf(path);
  await mkdir(dirname(path), { recursive: true });
  if (format === "zarr") {
    const { pixelSize } = labels;
    const files = encodeZarrLabels(labels, {
      ...(pixelSize ? { pixelSize } : {}),
      ...(options.ngff ? { version: options.ngff } : {}),
    });
    for (const [name, bytes] of files) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
    return;
  }
  const imageName = options.imageName ?? stemOf(path);
  await writeFile(
    path,
    encodeLabels(labels, { format, core: options.core, imageName }),
  );
}

function encodeLabels(
  labels: DecodedLabels,
  { format, core, imageName }: {
    format: Exclude<LabelFormat, "zarr">;
    core: Core;
    imageName: string;
  },
): Uint8Array | string {
  const { masks, size, pixelSize } = labels;
  switch (format) {
    case "tif":
      return encodeLabelTiff(labels, pixelSize);
    case "png":
      return encodeLabelPng(labels);
    case "npy":
      return encodeNpy(masks, shapeOf(size));
    case "seg":
      return encodeSegNpy({ masks, size, filename: imageName });
    case "csv":
      return encodeCellTable(
        core.measureRegions(masks, size),
        pixelSize ? { pixelSize } : {},
      );
  }
  const flat: Size2D = size;
  if (isVolume(size)) {
    throw new ArgumentError(
      "format",
      `${format} holds images, not volumes; write tif, npy, seg or zarr`,
    );
  }
  switch (format) {
    case "coco":
      return encodeCoco({ masks, size: flat }, imageName);
    case "roi":
      return encodeRois(core.traceContours(masks, flat));
    case "geojson":
      return encodeGeoJson(core.traceContours(masks, flat), flat);
    case "outlines":
      return encodeOutlinesText(
        core.traceContours(masks, flat, { along: "centers", longest: true }),
      );
  }
}

/** The format that a path's ending names. */
export function formatOf(path: string): LabelFormat {
  const name = path.replace(/[/\\]+$/, "").toLowerCase();
  const found = LABEL_ENDINGS.find(([ending]) => name.endsWith(ending));
  if (found) return found[1];
  throw new ArgumentError(
    "path",
    `${path} ends with none of ${
      LABEL_ENDINGS.map(([ending]) => ending).join(", ")
    }`,
  );
}
