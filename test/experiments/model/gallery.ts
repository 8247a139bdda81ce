/**
 * Figures 10 and 11: every image at 1000 iterations beside the default, truth
 * solid purple, prediction dashed yellow.
 *
 * @module
 */
import {
  drawOutlines,
  PREDICTION,
  TRUTH,
} from "../../../shared/image/overlay.ts";
import { enlarge, toPicture } from "../../../shared/image/picture.ts";
import { encodePicture } from "../../../shared/image/png.ts";
import type { Core } from "../../../wasm/mod.ts";
import type { Files } from "../pictures.ts";
import type { ExperimentImage } from "./images.ts";
import type { Segmenter } from "./segmenters.ts";

/** Iterations of the report's figures. */
export const MANY = 1000;

/** Smaller pictures are enlarged to about this edge, pixels. */
const EDGE = 512;

/** One prediction of one image. */
export interface GalleryEntry {
  readonly file: string;
  readonly cells: number;
  /** Absent without truth. */
  readonly ap50?: number;
}

/** One image. */
export interface GalleryRow {
  readonly image: string;
  readonly kind: string;
  readonly trueCells?: number;
  readonly many: GalleryEntry;
  readonly usual: GalleryEntry;
}

/** Predict and draw every image; pictures go to `files`. */
export async function drawGallery(
  core: Core,
  images: readonly ExperimentImage[],
  segment: Segmenter,
  files: Files,
): Promise<GalleryRow[]> {
  const rows: GalleryRow[] = [];
  for (const image of images) {
    const { name, kind, truth } = image;
    const stem = name.replace(/\.[^.]+$/, "");
    const predict = async (ending: string, niter?: number) => {
      const options = niter === undefined ? {} : { niter };
      const masks = await segment(image, options);
      const file = `gallery_${stem}_${ending}.png`;
      files.set(file, drawOne(image, masks));
      return { file, cells: countLabels(masks), ...score(core, image, masks) };
    };
    rows.push({
      image: name,
      kind,
      ...(truth ? { trueCells: countLabels(truth) } : {}),
      many: await predict("1000", MANY),
      usual: await predict("default"),
    });
  }
  return rows;
}

function drawOne(image: ExperimentImage, masks: Uint32Array): Uint8Array {
  const { size, channels, truth } = image;
  const data = Uint8Array.from(image.data, (value) => Math.round(value));
  const range = findRange(data);
  const edge = Math.max(size.height, size.width);
  const scale = Math.max(1, Math.floor(EDGE / edge));
  let picture = toPicture({ data, size, channels }, { range });
  picture = enlarge(picture, scale);
  const line = { thickness: scale > 1 ? 2 : 1 };
  if (truth) picture = drawOutlines(picture, truth, { ...TRUTH, ...line });
  return encodePicture(
    drawOutlines(picture, masks, { ...PREDICTION, ...line }),
  );
}

/** Dim images are shown bright: up to the percentile 99.8. */
function findRange(data: Uint8Array): [number, number] {
  const sorted = data.slice().sort();
  const high = sorted[Math.floor(0.998 * (sorted.length - 1))];
  return high > sorted[0] ? [sorted[0], high] : [0, 255];
}

function score(core: Core, image: ExperimentImage, masks: Uint32Array) {
  const { truth, size } = image;
  if (!truth) return {};
  return { ap50: core.averagePrecision(truth, masks, size, [0.5])[0].ap };
}

function countLabels(masks: Uint32Array): number {
  const labels = new Set(masks);
  return labels.size - (labels.has(0) ? 1 : 0);
}
