/**
 * Labels from any label file: TIFF, PNG, NPY, NPZ, `_seg.npy`, ROI zip,
 * GeoJSON, COCO, OME-Zarr.
 *
 * @module
 */
import {
  ArgumentError,
  CorruptImageError,
  UnsupportedFormatError,
} from "../errors.ts";
import { isVolume, type Size, type Size2D } from "../ndarray.ts";
import { decodeCoco } from "./coco_read.ts";
import { decodeImage } from "./decode.ts";
import type { DecodedArray, DecodeOptions } from "./decoded.ts";
import { decodeGeoJson } from "./geojson.ts";
import { toLabels } from "./npy.ts";
import type { PixelSize } from "./pixel_size.ts";
import { decodeRois } from "./roi.ts";
import { decodeSegNpy, isObjectNpy } from "./seg_npy.ts";
import { decodeZarr, type ZarrStore } from "./zarr.ts";
import { readZip } from "./zip.ts";

/** Labels of a file. */
export interface DecodedLabels {
  /** H×W or D×H×W, 0 background. */
  readonly masks: Uint32Array;
  readonly size: Size;
  /** What the file was: an image format, "seg", "roi", "geojson" or "coco". */
  readonly format: DecodedArray["format"] | "seg" | "roi" | "geojson" | "coco";
  /** Micrometers. */
  readonly pixelSize?: PixelSize;
  readonly warnings: readonly string[];
}

/** How labels are read. */
export interface LabelOptions extends DecodeOptions {
  /** Of the image, for polygons, which do not tell it. */
  readonly size?: Size2D;
}

/**
 * Decode a label file, by its content.
 *
 * @param bytes  the whole file
 * @throws {UnsupportedFormatError}
 * @throws {CorruptImageError} also for values that are no labels
 * @throws {ImageTooLargeError}
 * @throws {ArgumentError} if the file's axes are not those of one label image
 */
export async function decodeLabels(
  bytes: Uint8Array,
  options: LabelOptions = {},
): Promise<DecodedLabels> {
  if (isObjectNpy(bytes)) {
    const { masks, size } = decodeSegNpy(bytes);
    return { masks, size, format: "seg", warnings: [] };
  }
  const isJson = /^\s*[[{]/.test(
    new TextDecoder().decode(bytes.subarray(0, 64)).replace(/^\ufeff/, ""),
  );
  if (isJson) {
    const text = new TextDecoder().decode(bytes);
    const isCoco = /"annotations"\s*:/.test(text);
    const read = isCoco
      ? decodeCoco(text, options.size ? { size: options.size } : {})
      : decodeGeoJson(text, options.size);
    return { ...read, format: isCoco ? "coco" : "geojson" };
  }
  if (isRoiZip(bytes)) {
    return { ...decodeRois(bytes, options.size), format: "roi" };
  }
  const isRoi = bytes[0] === 0x49 && bytes[1] === 0x6f && bytes[2] === 0x75;
  if (isRoi) {
    throw new UnsupportedFormatError("A single ImageJ ROI", ["a zip of ROIs"]);
  }
  return toLabelImage(await decodeImage(bytes, options));
}

/**
 * Decode labels of a Zarr hierarchy: the first of its label images, or the
 * image that it is.
 */
export async function decodeZarrLabels(
  store: ZarrStore,
  options: LabelOptions = {},
): Promise<DecodedLabels> {
  const entry = options.entry ?? await findLabels(store);
  return toLabelImage(
    await decodeZarr(store, {
      ...options,
      ...(entry === undefined ? {} : { entry }),
    }),
  );
}

/** Values as labels; axes of length 1 are dropped. */
function toLabelImage(image: DecodedArray): DecodedLabels {
  const { data, axes, shape, format, pixelSize, warnings } = image;
  const kept = [...axes].map((axis, i) => ({ axis, edge: shape[i] }))
    .filter(({ axis, edge }) => edge > 1 || axis === "Y" || axis === "X");
  const names = kept.map(({ axis }) => axis).join("");
  // a stack without metadata may be taken for channels or times
  if (names.length > 3 || !names.endsWith("YX")) {
    throw new ArgumentError(
      "axes",
      `the file has the axes ${axes} (${
        shape.join("×")
      }), labels have YX or ZYX`,
    );
  }
  const [height, width] = kept.slice(-2).map(({ edge }) => edge);
  const size: Size = names.length === 3
    ? { depth: kept[0].edge, height, width }
    : { height, width };
  let masks: Uint32Array;
  try {
    masks = toLabels({ data, shape, dtype: "<u4" });
  } catch (err) {
    if (!(err instanceof ArgumentError)) throw err;
    throw new CorruptImageError(format, err.message, { cause: err });
  }
  return {
    masks,
    size,
    format,
    ...(pixelSize && { pixelSize }),
    // for labels, a stack of planes is a volume: nothing is guessed
    warnings: isVolume(size) || !image.axesInferred ? warnings : [],
  };
}

function isRoiZip(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return false;
  const { names } = readZip(bytes);
  // without any cell, a zip of ROIs is empty
  return names.length === 0 || names.some((name) => name.endsWith(".roi"));
}

async function findLabels(store: ZarrStore): Promise<string | undefined> {
  for (const key of ["/labels/zarr.json", "/labels/.zattrs"] as const) {
    const bytes = await store.get(key);
    if (bytes === undefined) continue;
    try {
      const root = JSON.parse(new TextDecoder().decode(bytes));
      const names: unknown = root?.attributes?.ome?.labels ?? root?.labels;
      if (Array.isArray(names) && typeof names[0] === "string") {
        return `labels/${names[0]}`;
      }
    } catch (err) {
      throw new CorruptImageError("zarr", `${key} is no JSON`, { cause: err });
    }
  }
  return undefined;
}
