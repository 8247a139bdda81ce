/**
 * The kinds of files a segmentation can be written to, and their options.
 *
 * @module
 */

/** A kind of output and its option. */
export interface OutputKind {
  /** `--save-FLAG`, or `--no-FLAG` where it is written by default. */
  readonly flag: string;
  readonly isDefault?: true;
  readonly meaning: string;
}

/** All kinds, in the order they are written. */
export const OUTPUT_KINDS = {
  seg: {
    flag: "npy",
    isDefault: true,
    meaning: "do not write _seg.npy, which Cellpose's interface loads",
  },
  tif: { flag: "tif", meaning: "masks as OME-TIFF" },
  png: {
    flag: "png",
    meaning: "masks as 16-bit PNG; TIFF for stacks and above 65535 cells",
  },
  rois: { flag: "rois", meaning: "ImageJ ROIs in a zip" },
  geojson: { flag: "geojson", meaning: "polygons for QuPath" },
  csv: { flag: "csv", meaning: "a table with one row a cell" },
  flows: {
    flag: "flows",
    meaning: "flows as colors, 5×(dY, dX) and cellprob as TIFF",
  },
  outlinesText: {
    flag: "txt",
    meaning: "outlines as text, x,y,x,y,…",
  },
  outlinesPng: { flag: "outlines", meaning: "red outlines over the image" },
  overlay: { flag: "overlay", meaning: "outlines over the image as SVG" },
  coco: { flag: "coco", meaning: "COCO annotations, run lengths" },
  zarr: { flag: "zarr", meaning: "OME-Zarr labels" },
} as const satisfies Record<string, OutputKind>;

/** Name of a kind. */
export type OutputName = keyof typeof OUTPUT_KINDS;
