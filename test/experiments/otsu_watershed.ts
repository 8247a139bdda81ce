/**
 * The baseline for images of any kind: Otsu + watershed that chooses the
 * channel and which side of the threshold is cells.
 *
 * @module
 */
import { countPixels, type Size2D } from "../../shared/ndarray.ts";
import { blur } from "../../shared/synthetic/fields.ts";
import { findThreshold, splitForeground } from "./watershed.ts";

/** Smaller pieces are dropped, as Cellpose's default drops them, pixels. */
const LEAST_AREA = 15;
/** Standard deviation of the blur before the threshold, pixels. */
const SIGMA = 1;
/** Part of the brightest and of the darkest pixels that sets no range. */
const CLIPPED = 0.002;

/**
 * Segment an image without knowing its kind.
 *
 * Of the channels and their mean it takes the plane that Otsu's threshold
 * parts best; cells are the side that makes up less of the image's border,
 * where that is even, the smaller side.
 *
 * @param image  H×W×C, any range; C from its length
 * @returns      H×W labels, 0 = background; none in a plain image
 * @throws {RangeError} if the length is no multiple of H·W
 */
export function otsuWatershed(
  image: ArrayLike<number>,
  size: Size2D,
): Uint32Array {
  const pixels = countPixels(size);
  const channels = image.length / pixels;
  if (!Number.isInteger(channels) || channels < 1) {
    throw new RangeError(
      `The image has ${image.length} values, no multiple of ${pixels} pixels`,
    );
  }
  const planes = Array.from(
    { length: channels },
    (_, c) =>
      Float32Array.from({ length: pixels }, (_, i) => {
        return image[i * channels + c];
      }),
  );
  if (channels > 1) {
    planes.push(planes[0].map((_, i) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += planes[c][i];
      return sum / channels;
    }));
  }
  let best: { gray: Uint8Array; threshold: number; separation: number } = {
    gray: new Uint8Array(0),
    threshold: 0,
    separation: 0,
  };
  for (const plane of planes) {
    const gray = toBytes(plane, size);
    const found = findThreshold(gray);
    if (found.separation > best.separation) best = { gray, ...found };
  }
  if (best.separation === 0) return new Uint32Array(pixels);
  const { gray, threshold } = best;
  const isBright = areCellsBright(gray, threshold, size);
  return splitForeground(
    (i) => gray[i] > threshold === isBright,
    size,
    LEAST_AREA,
  );
}

function toBytes(plane: Float32Array, size: Size2D): Uint8Array {
  blur(plane, size, SIGMA);
  const sorted = plane.slice().sort();
  const low = sorted[Math.floor(CLIPPED * (sorted.length - 1))];
  const high = sorted[Math.ceil((1 - CLIPPED) * (sorted.length - 1))];
  if (!(high > low)) return new Uint8Array(plane.length);
  return Uint8Array.from(
    plane,
    (v) =>
      Math.max(0, Math.min(255, Math.round(255 * (v - low) / (high - low)))),
  );
}

function areCellsBright(
  gray: Uint8Array,
  threshold: number,
  { height, width }: Size2D,
): boolean {
  let [rim, brightRim, bright] = [0, 0, 0];
  for (let i = 0; i < gray.length; i++) {
    const [y, x] = [Math.floor(i / width), i % width];
    const isBright = gray[i] > threshold;
    if (isBright) bright++;
    if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
    rim++;
    if (isBright) brightRim++;
  }
  const share = brightRim / rim;
  return share > 0.4 && share < 0.6 ? bright <= gray.length / 2 : share < 0.5;
}
