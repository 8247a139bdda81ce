/**
 * Pictures of an example: image → flows → masks, and truth against masks.
 *
 * @module
 */
import { drawFlows } from "../../shared/image/flow_picture.ts";
import {
  drawLabels,
  drawOutlines,
  PREDICTION,
  TRUTH,
} from "../../shared/image/overlay.ts";
import {
  enlarge,
  placeInColumn,
  placeInRow,
  toPicture,
} from "../../shared/image/picture.ts";
import type { Picture } from "../../shared/image/types.ts";
import { isVolume, type Size2D } from "../../shared/ndarray.ts";
import type { Example, Segmentation } from "./segment.ts";

/** Slices of a volume that its pictures show, at most. */
const SLICES = 12;
const COLUMNS = 4;

/** One slice of an example, or an image as it is. */
interface Slice {
  readonly size: Size2D;
  readonly picture: Picture;
  readonly truth: Uint32Array;
  readonly masks: Uint32Array;
  /** 2×H×W (dY, dX). */
  readonly flows: Float32Array;
}

/**
 * Draw an example.
 *
 * @returns pictures by title: `overlay` and `steps` of images, the overlays of
 *   evenly spaced slices and the `steps` of the middle one of volumes
 */
export function drawExample(
  example: Example,
  result: Segmentation,
): [title: string, picture: Picture][] {
  const { size } = example.image;
  if (!isVolume(size)) {
    const slice = takeSlice(example, result, 0);
    return [["steps", drawSteps(slice, 1)], ["overlay", drawOverlay(slice, 2)]];
  }
  const count = Math.min(SLICES, size.depth);
  const overlays = Array.from({ length: count }, (_, i) => {
    const z = Math.floor((i + 0.5) * size.depth / count);
    return drawOverlay(takeSlice(example, result, z), 4);
  });
  const rows: Picture[] = [];
  for (let i = 0; i < count; i += COLUMNS) {
    rows.push(placeInRow(overlays.slice(i, i + COLUMNS)));
  }
  const middle = takeSlice(example, result, size.depth >> 1);
  return [
    ["steps", drawSteps(middle, 6)],
    ["slices", placeInColumn(rows)],
  ];
}

/** Image | flows | masks. */
function drawSteps(slice: Slice, scale: number): Picture {
  const image = enlarge(slice.picture, scale);
  return placeInRow([
    image,
    enlarge(drawFlows(slice.flows, slice.size), scale),
    drawLabels(image, slice.masks, 0.6),
  ]);
}

/** Truth under prediction, both lines two pixels wide. */
function drawOverlay(slice: Slice, scale: number): Picture {
  const line = { thickness: 2, dash: 0 };
  const image = enlarge(slice.picture, scale);
  const truth = drawOutlines(image, slice.truth, { ...TRUTH, ...line });
  const dashed = { ...PREDICTION, ...line, dash: 8 };
  return drawOutlines(truth, slice.masks, dashed);
}

function takeSlice(
  { image, truth }: Example,
  { flows, masks }: Segmentation,
  z: number,
): Slice {
  const { height, width } = image.size;
  const pixels = height * width;
  const part = <T extends Uint32Array | Float32Array>(array: T, plane = 0) => {
    const start = plane * truth.length + z * pixels;
    return array.subarray(start, start + pixels) as T;
  };
  // the flows of a volume begin with dZ, which a slice does not show
  const first = flows.length / truth.length - 2;
  const planes = new Float32Array(2 * pixels);
  planes.set(part(flows, first));
  planes.set(part(flows, first + 1), pixels);
  return {
    size: { height, width },
    picture: toPicture(image, { slice: z }),
    truth: part(truth),
    masks: part(masks),
    flows: planes,
  };
}
