/**
 * What goes wrong with images, each as strong as asked.
 *
 * @module
 */
import { blur } from "../../../shared/synthetic/fields.ts";
import { createRandom } from "../../../shared/synthetic/random.ts";
import type { LabelledImage } from "./images.ts";

/** Kinds of faults. */
export const FAULTS = {
  noise: addNoise,
  blur: blurPlanes,
  contrast: lowerContrast,
  "channel order": rotateChannels,
  downsampling: shrink,
} as const satisfies Record<
  string,
  (image: LabelledImage, strength: number) => LabelledImage
>;

/** A kind of fault. */
export type Fault = keyof typeof FAULTS;

/** Strengths that are measured; the first changes nothing. */
export const STRENGTHS: Readonly<Record<Fault, readonly number[]>> = {
  noise: [0, 0.05, 0.1, 0.2, 0.4],
  blur: [0, 1, 2, 4],
  contrast: [1, 0.5, 0.25, 0.1, 0.05],
  "channel order": [0, 1, 2],
  downsampling: [1, 2, 4],
};

/** What the strengths mean. */
export const UNITS: Readonly<Record<Fault, string>> = {
  noise: "standard deviation, part of the range",
  blur: "standard deviation, pixels",
  contrast: "part that is left",
  "channel order": "channels moved on by",
  downsampling: "times smaller",
};

/** Normal noise; the seed is fixed. */
function addNoise(image: LabelledImage, strength: number): LabelledImage {
  const random = createRandom(1, 0xa015e);
  const data = image.data.map((value) =>
    toByte(value + 255 * strength * random.normal())
  );
  return strength === 0 ? image : { ...image, data };
}

function blurPlanes(image: LabelledImage, sigma: number): LabelledImage {
  const { channels, size } = image;
  const data = image.data.slice();
  for (let c = 0; c < channels; c++) {
    const plane = data.filter((_, i) => i % channels === c);
    blur(plane, size, sigma);
    plane.forEach((value, i) => data[i * channels + c] = value);
  }
  return { ...image, data };
}

/** Toward mid-gray, in whole steps of a byte: what a camera cannot undo. */
function lowerContrast(image: LabelledImage, left: number): LabelledImage {
  if (left === 1) return image;
  const data = image.data.map((v) => toByte(128 + (v - 128) * left));
  return { ...image, data };
}

/** Gray images take another channel of three; others are empty. */
function rotateChannels(image: LabelledImage, by: number): LabelledImage {
  if (image.channels > 3) return image;
  const pixels = image.truth.length;
  const data = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < image.channels; c++) {
      data[3 * i + (c + by) % 3] = image.data[i * image.channels + c];
    }
  }
  return { ...image, data, channels: 3 };
}

/** Means of blocks; truth is what each block's middle shows. */
function shrink(image: LabelledImage, times: number): LabelledImage {
  const { channels } = image;
  const height = Math.max(1, Math.floor(image.size.height / times));
  const width = Math.max(1, Math.floor(image.size.width / times));
  const data = new Float32Array(height * width * channels);
  const truth = new Uint32Array(height * width);
  const from = (y: number, x: number) => y * image.size.width + x;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = y * width + x;
      const middle = times >> 1;
      truth[to] = image.truth[from(y * times + middle, x * times + middle)];
      for (let k = 0; k < times * times; k++) {
        const i = from(
          y * times + Math.floor(k / times),
          x * times + k % times,
        );
        for (let c = 0; c < channels; c++) {
          data[to * channels + c] += image.data[i * channels + c] /
            (times * times);
        }
      }
    }
  }
  return { ...image, data, truth, size: { height, width } };
}

function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
