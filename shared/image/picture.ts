/**
 * Pictures for people: from any image to RGB, enlarged, side by side.
 *
 * Drawing only: no result is computed from a picture.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { isVolume } from "../ndarray.ts";
import type { Color, DecodedImage, Picture } from "./types.ts";

/** Settings of `toPicture`. */
export interface PictureOptions {
  /** Values shown as black and white; default: percentiles 1 and 99.8. */
  readonly range?: readonly [low: number, high: number];
  /** Slice of a volume; default: the middle one. */
  readonly slice?: number;
}

/**
 * Render an image in RGB: one channel gray, two red and green, three as RGB.
 *
 * @param image  H×W×C or D×H×W×C, any dtype; further channels are left out
 * @throws {ArgumentError} if the slice is outside the volume
 */
export function toPicture(
  image: DecodedImage,
  options: PictureOptions = {},
): Picture {
  const { size, channels } = image;
  const { height, width } = size;
  const depth = isVolume(size) ? size.depth : 1;
  const slice = options.slice ?? depth >> 1;
  if (!(slice >= 0 && slice < depth)) {
    throw new ArgumentError("slice", `${slice} is not within 0–${depth - 1}`);
  }
  const pixels = height * width;
  const values = image.data.subarray(
    slice * pixels * channels,
    (slice + 1) * pixels * channels,
  );
  const isShown = values instanceof Uint8Array && options.range === undefined;
  const [low, high] = isShown ? [0, 255] : options.range ?? findRange(values);
  const scale = high > low ? 255 / (high - low) : 0;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      if (c >= channels && channels > 1) continue;
      const value = values[i * channels + (channels === 1 ? 0 : c)];
      const shown = (value - low) * scale;
      // written so that NaN is shown as black
      data[i * 3 + c] = shown > 0 ? Math.min(255, Math.round(shown)) : 0;
    }
  }
  return { data, height, width };
}

/** Percentiles 1 and 99.8 of at most 65536 evenly spread values. */
function findRange(values: ArrayLike<number>): [number, number] {
  const step = sampleStep(values.length);
  const sample: number[] = [];
  for (let i = 0; i < values.length; i += step) sample.push(values[i]);
  return rangeOfSample(sample);
}

/** Every how many values the shown range looks. */
export function sampleStep(values: number): number {
  return Math.max(1, Math.ceil(values / 65536));
}

/** The range that is shown of an image of which these values were taken. */
export function rangeOfSample(values: readonly number[]): [number, number] {
  const sample = values.filter(Number.isFinite);
  if (sample.length === 0) return [0, 0];
  sample.sort((a, b) => a - b);
  const at = (part: number) => sample[Math.floor((sample.length - 1) * part)];
  const low = at(0.01);
  const high = at(0.998);
  return high > low ? [low, high] : [sample[0], at(1)];
}

/** Make a picture of one color. */
export function fillPicture(
  height: number,
  width: number,
  color: Color,
): Picture {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i++) data[i] = color[i % 3];
  return { data, height, width };
}

/** Enlarge a picture: each pixel becomes `scale`×`scale` pixels. */
export function enlarge(picture: Picture, scale: number): Picture {
  if (!Number.isInteger(scale) || scale < 1) {
    throw new ArgumentError("scale", `must be an integer ≥ 1, is ${scale}`);
  }
  const height = picture.height * scale;
  const width = picture.width * scale;
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / scale) * picture.width;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.floor(x / scale)) * 3;
      const to = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) data[to + c] = picture.data[from + c];
    }
  }
  return { data, height, width };
}

/**
 * Place pictures side by side, `gap` pixels apart, on white.
 *
 * @param pictures  of any sizes; tops are aligned
 */
export function placeInRow(pictures: readonly Picture[], gap = 4): Picture {
  const height = Math.max(...pictures.map((p) => p.height));
  const width = pictures.reduce((sum, p) => sum + p.width + gap, -gap);
  return paste(pictures, height, width, (p, at) => [0, at + p.width + gap]);
}

/** Place pictures below one another, `gap` pixels apart, on white. */
export function placeInColumn(pictures: readonly Picture[], gap = 4): Picture {
  const height = pictures.reduce((sum, p) => sum + p.height + gap, -gap);
  const width = Math.max(...pictures.map((p) => p.width));
  return paste(pictures, height, width, (p, _, at) => [at + p.height + gap, 0]);
}

function paste(
  pictures: readonly Picture[],
  height: number,
  width: number,
  next: (picture: Picture, x: number, y: number) => [y: number, x: number],
): Picture {
  if (pictures.length === 0) {
    throw new ArgumentError("pictures", "must not be empty");
  }
  const out = fillPicture(height, width, [255, 255, 255]);
  let [top, left] = [0, 0];
  for (const picture of pictures) {
    for (let y = 0; y < picture.height; y++) {
      const row = picture.data.subarray(
        y * picture.width * 3,
        (y + 1) * picture.width * 3,
      );
      out.data.set(row, ((top + y) * width + left) * 3);
    }
    [top, left] = next(picture, left, top);
  }
  return out;
}
