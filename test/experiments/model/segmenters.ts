/**
 * The ways from an image to masks that Table 1 and the robustness experiment
 * compare: networks with their flows, a network's probability alone, and no
 * network.
 *
 * @module
 */
import type { Encoder } from "../../../shared/pipeline/encoder.ts";
import { segment } from "../../../shared/pipeline/segment.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../../shared/schema/parameters.ts";
import type { Core } from "../../../wasm/mod.ts";
import { otsuWatershed } from "../otsu_watershed.ts";
import { splitForeground } from "../watershed.ts";
import type { ExperimentImage } from "./images.ts";

/** From an image to H×W masks; `options` reach those that have a network. */
export type Segmenter = (
  image: ExperimentImage,
  options?: SegmentOptions,
) => Promise<Uint32Array>;

/** A method and what tables call it. */
export interface NamedSegmenter {
  readonly name: string;
  readonly segment: Segmenter;
}

/** Smaller pieces are dropped, as `minSize` does by default, pixels. */
const LEAST_AREA = 15;

/** Follow the network's flows, as the program does. */
export function segmentByFlows(core: Core, encoder: Encoder): Segmenter {
  return async (image, options) =>
    (await runPlane(core, encoder, image, options)).masks;
}

/** The pieces of the network's foreground: touching cells stay one. */
export function segmentByThreshold(core: Core, encoder: Encoder): Segmenter {
  return async (image, options) => {
    const { cellprob } = await runPlane(core, encoder, image, options);
    return findPieces(cellprob, image);
  };
}

/** The network's foreground, split by a watershed of its distance. */
export function segmentByWatershed(core: Core, encoder: Encoder): Segmenter {
  return async (image, options) => {
    const { cellprob } = await runPlane(core, encoder, image, options);
    return splitForeground((i) => cellprob[i] > 0, image.size, LEAST_AREA);
  };
}

/** No network at all. */
export const segmentByOtsu: Segmenter = ({ data, size }) =>
  Promise.resolve(otsuWatershed(data, size));

/** What the program computes of an image. */
export async function runPlane(
  core: Core,
  encoder: Encoder,
  { data, size, channels }: ExperimentImage,
  options: SegmentOptions = {},
) {
  const { height, width } = size;
  const input = { data, axes: "YXC", shape: [height, width, channels] };
  const parameters = SegmentParameters.parse(options);
  const { planes: [plane] } = await segment(input, parameters, {
    core,
    encoders: [encoder],
  });
  return plane;
}

/** 4-connected pieces of what is above 0. */
function findPieces(
  cellprob: Float32Array,
  { size: { height, width } }: ExperimentImage,
): Uint32Array {
  const masks = new Uint32Array(height * width);
  let count = 0;
  for (let first = 0; first < masks.length; first++) {
    if (masks[first] > 0 || cellprob[first] <= 0) continue;
    const piece = [first];
    masks[first] = ++count;
    for (const i of piece) {
      const x = i % width;
      const near = [
        x > 0 ? i - 1 : i,
        x < width - 1 ? i + 1 : i,
        i >= width ? i - width : i,
        i + width < masks.length ? i + width : i,
      ];
      for (const j of near) {
        if (masks[j] > 0 || cellprob[j] <= 0) continue;
        masks[j] = count;
        piece.push(j);
      }
    }
    if (piece.length < LEAST_AREA) {
      // marked as seen by a label that is cleared at the end
      for (const i of piece) masks[i] = 0xffffffff;
      count--;
    }
  }
  return masks.map((label) => label === 0xffffffff ? 0 : label);
}
