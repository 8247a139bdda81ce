/**
 * Images for networks that answer prompts, and cells of their answers.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  countPixels,
  type LabelArray,
  type Size2D,
} from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import { checkResult } from "./arena.ts";
import { checkFloats, checkLabels } from "./check.ts";
import { type ImageSize, readAxes } from "./image_size.ts";

/** How `placeImage` changes values. */
export interface PlaceOptions {
  /** One a channel. */
  readonly mean: readonly number[];
  /** One a channel. */
  readonly deviation: readonly number[];
  /** Beyond the image; default 0. */
  readonly fill?: number;
}

/** A label image with a cell painted in. */
export interface PaintedCell {
  /** H×W u32 */
  readonly masks: Uint32Array;
  /** Pixels the cell has got. */
  readonly area: number;
  /** Pixels of the answer that other cells kept. */
  readonly taken: number;
}

/** Functions around prompts. */
export function prompts(arena: Arena) {
  return {
    /**
     * Resize by a triangle filter, which takes in every pixel where the image
     * shrinks.
     *
     * @param image    C×H×W f32
     * @param size     height, width and channels (1 by default)
     * @param target   height and width of the result
     * @param isBytes  values are whole numbers from 0 to 255, and stay so
     * @throws {ArgumentError | ShapeError} `image`, `size` or `target`
     *
     * Source: Pillow 11, BILINEAR. Differs: nothing with `isBytes`.
     */
    resampleImage(
      image: Float32Array,
      size: ImageSize,
      target: Size2D,
      isBytes = false,
    ): Float32Array {
      checkFloats("image", image);
      const { channels, height, width } = readAxes(size);
      checkLength("image", image, channels * height * width);
      const pixels = countPixels(target);
      return arena.scope((kernels) => {
        const at = arena.put(image);
        const out = arena.reserve(channels * pixels * 4);
        checkResult(
          kernels.resampleTriangle(
            out,
            at,
            channels,
            height,
            width,
            target.height,
            target.width,
            isBytes ? 1 : 0,
          ),
        );
        return arena.viewF32(out, channels * pixels).slice();
      });
    },

    /**
     * Make whole numbers from 0 to 255 of values from 0 to 1; others are cut
     * off.
     */
    toBytes(values: Float32Array): Float32Array {
      checkFloats("values", values);
      return arena.scope((kernels) => {
        const at = arena.put(values);
        kernels.toBytes(at, values.length);
        return arena.viewF32(at, values.length).slice();
      });
    },

    /**
     * Place an image in the upper left of a larger one, standardized.
     *
     * @param image    C×H×W f32
     * @param size     height, width and channels (1 by default)
     * @param target   not smaller
     * @param options  mean and deviation of each channel, and what is beyond
     * @throws {ArgumentError | ShapeError} naming what does not fit
     *
     * Source: segment_anything 1.0 `Sam.preprocess`.
     */
    placeImage(
      image: Float32Array,
      size: ImageSize,
      target: Size2D,
      { mean, deviation, fill = 0 }: PlaceOptions,
    ): Float32Array {
      checkFloats("image", image);
      const { channels, height, width } = readAxes(size);
      checkLength("image", image, channels * height * width);
      if (target.height < height || target.width < width) {
        throw new ArgumentError("target", "is smaller than the image");
      }
      const pixels = countPixels(target);
      return arena.scope((kernels) => {
        const at = arena.put(image);
        const out = arena.reserve(channels * pixels * 4);
        for (let c = 0; c < channels; c++) {
          kernels.placeImage(
            out + c * pixels * 4,
            at + c * height * width * 4,
            height,
            width,
            target.height,
            target.width,
            mean[c],
            deviation[c],
            fill,
          );
        }
        return arena.viewF32(out, channels * pixels).slice();
      });
    },

    /**
     * Select one label: 1 where it is, else 0.
     *
     * @returns  H×W f32
     * @throws {ArgumentError | ShapeError} if the label is not there
     */
    selectLabel(
      masks: LabelArray,
      size: Size2D,
      label: number,
    ): Float32Array {
      const pixels = checkLabels("masks", masks, size);
      return arena.scope((kernels) => {
        const at = arena.putLabels(masks);
        const out = arena.reserve(pixels * 4);
        if (kernels.selectLabel(out, at, pixels, label) === 0 || label === 0) {
          throw new ArgumentError("label", `${label} is not in the masks`);
        }
        return arena.viewF32(out, pixels).slice();
      });
    },

    /**
     * Paint a cell where its logit is above 0.
     *
     * @param masks   H×W labels; the label's old pixels are erased, the other
     *                cells keep theirs
     * @param logits  H×W f32
     * @param label   of the cell, 1 or more
     * @throws {ArgumentError | ShapeError} naming what does not fit
     */
    paintCell(
      masks: LabelArray,
      logits: Float32Array,
      size: Size2D,
      label: number,
    ): PaintedCell {
      const pixels = checkLabels("masks", masks, size);
      checkFloats("logits", logits);
      checkLength("logits", logits, pixels);
      if (!(Number.isInteger(label) && label > 0 && label < 2 ** 32)) {
        throw new ArgumentError("label", `must be 1 or more, is ${label}`);
      }
      return arena.scope((kernels) => {
        const at = arena.putLabels(masks);
        const values = arena.put(logits);
        const taken = arena.reserve(4);
        const area = kernels.paintCell(at, values, pixels, label, taken);
        return {
          masks: arena.viewU32(at, pixels).slice(),
          area,
          taken: arena.viewU32(taken, 1)[0],
        };
      });
    },
  };
}
