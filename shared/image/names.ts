/**
 * The only place that spells the names of output files.
 *
 * Source: Cellpose 4.2.1.1 `io.save_masks`, `save_rois`, `outlines_to_text`;
 *   those without a name there are named alike.
 *
 * @module
 */

/** Files of one image, by what they hold. */
export interface OutputNames {
  readonly seg: string;
  readonly tif: string;
  readonly png: string;
  readonly npy: string;
  readonly flows: string;
  readonly flowField: string;
  readonly cellprob: string;
  readonly outlinesText: string;
  readonly outlinesPng: string;
  readonly overlayPng: string;
  readonly overlaySvg: string;
  readonly rois: string;
  readonly geojson: string;
  readonly coco: string;
  readonly csv: string;
  readonly zarr: string;
  readonly result: string;
}

/**
 * Name the output files of an image.
 *
 * @param stem    the image's file name without folder and extension
 * @param suffix  of label files; Cellpose's `--output_name`
 */
export function outputNames(stem: string, suffix = "_cp_masks"): OutputNames {
  return {
    seg: `${stem}_seg.npy`,
    tif: `${stem}${suffix}.tif`,
    png: `${stem}${suffix}.png`,
    npy: `${stem}${suffix}.npy`,
    flows: `${stem}_flows${suffix}.tif`,
    flowField: `${stem}_dP${suffix}.tif`,
    cellprob: `${stem}_cellprob${suffix}.tif`,
    outlinesText: `${stem}_cp_outlines.txt`,
    outlinesPng: `${stem}_outlines${suffix}.png`,
    overlayPng: `${stem}_overlay${suffix}.png`,
    overlaySvg: `${stem}_overlay${suffix}.svg`,
    rois: `${stem}_rois.zip`,
    geojson: `${stem}${suffix}.geojson`,
    coco: `${stem}_coco.json`,
    csv: `${stem}_cells.csv`,
    zarr: `${stem}${suffix}.ome.zarr`,
    result: `${stem}_result.json`,
  };
}

/** Endings of image files; two-part ones first. */
const EXTENSION =
  /\.(ome\.tiff?|ome\.zarr(?:\.zip)?|tiff?|png|jpe?g|webp|npy|npz|zarr(?:\.zip)?|ozx|zip|geojson|json|csv|txt|svg)$/i;

/** A file's name without folder and extension: "a/b.ome.tif" → "b". */
export function stemOf(path: string): string {
  const name = path.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) ?? "";
  return name.replace(EXTENSION, "");
}

/** What label files have after the stem of their image. */
const LABEL_SUFFIX =
  /_(?:cp_masks|masks?|labels?|seg|rois|coco|cp_outlines|gt|pred)$/i;

/** The stem of the image that a label file belongs to: "b_cp_masks.tif" → "b". */
export function imageStemOf(path: string): string {
  const stem = stemOf(path);
  const bare = stem.replace(LABEL_SUFFIX, "");
  return bare === "" ? stem : bare;
}
