/**
 * The guard of fine-tuning: a tuned model is adopted only if it is not worse
 * than its parent on images that it was not tuned on.
 *
 * @module
 */
import { type ImageScore, mean } from "./score_model.ts";

/** What the guard found. */
export interface Verdict {
  readonly isAdopted: boolean;
  /** One line. */
  readonly reason: string;
  /** Mean AP at IoU 0.5 on the held-out images; null where there are none. */
  readonly parent: number | null;
  readonly tuned: number | null;
  /** Images that were held out, over all folds. */
  readonly images: number;
}

/**
 * Decide.
 *
 * @param parent  scores of the parent on held-out images
 * @param tuned   of the tuned models on the same images, each by the one that
 *                had not seen it
 */
export function judgeTuned(
  parent: readonly ImageScore[],
  tuned: readonly ImageScore[],
): Verdict {
  if (parent.length === 0 || tuned.length !== parent.length) {
    return {
      isAdopted: false,
      reason:
        "the parent stays: no image could be held out to compare on; give two labelled images or more",
      parent: null,
      tuned: null,
      images: 0,
    };
  }
  const before = mean(parent.map(({ ap50 }) => ap50));
  const after = mean(tuned.map(({ ap50 }) => ap50));
  const isAdopted = after >= before;
  const numbers = `AP@0.5 ${after.toFixed(3)} after, ${
    before.toFixed(3)
  } before, on ${parent.length} held-out images`;
  return {
    isAdopted,
    reason: isAdopted
      ? `the tuned model is adopted: ${numbers}`
      : `the parent stays, the tuned model is worse: ${numbers}`,
    parent: before,
    tuned: after,
    images: parent.length,
  };
}
