/**
 * Networks that estimate no size, told the true one.
 *
 * @module
 */
import type { LabelledImage } from "./images.ts";
import { trueDiameter } from "./robustness.ts";
import type { Segmenter } from "./segmenters.ts";

/** The true diameter where none is given; none where there is no cell. */
export function tellDiameter(segment: Segmenter): Segmenter {
  return (image, options = {}) => {
    const diameter = image.truth === undefined
      ? 0
      : trueDiameter(image as LabelledImage);
    return segment(image, {
      ...(diameter > 0 ? { diameter } : {}),
      ...options,
    });
  };
}

/** For networks without flows: there are none to follow. */
export function unfollowed(segment: Segmenter): Segmenter {
  return (image, options) =>
    segment(image, { ...options, niter: 1, flowThreshold: 0 });
}
