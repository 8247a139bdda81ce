/**
 * Label images that cannot be what they are given for.
 *
 * @module
 */
import type { Size2D } from "../../shared/ndarray.ts";
import type { Core } from "../../wasm/mod.ts";

/** Why an item is left out. */
export type ItemFault =
  | "no-labels"
  | "unreadable"
  | "wrong-label-format"
  | "size-mismatch"
  | "one-class"
  | "semantic-classes"
  | "too-few-masks"
  | "not-an-image";

/** Pieces of one label from which it is taken for a class. */
const MANY_PIECES = 3;
/** More labels than this are no classes. */
const MAX_CLASSES = 4;
/** A single label that covers this share is a foreground, not a cell. */
const LARGE_SHARE = 0.5;

/**
 * Tell a mask of classes from labels of objects.
 *
 * @param labels  H×W, 0 background
 * @returns       what is wrong and how to mend it; `undefined` if nothing is
 */
export function findClassMask(
  core: Core,
  labels: Uint32Array,
  size: Size2D,
): { fault: ItemFault; detail: string } | undefined {
  const { labels: ids } = core.estimateDiameter(labels, size);
  if (ids.length === 0 || ids.length > MAX_CLASSES) return undefined;
  const pieces = core.splitLabels(labels, size).count;
  const advice = "give each cell a number of its own";
  if (ids.length === 1) {
    const covered = labels.reduce((sum, label) => sum + (label > 0 ? 1 : 0), 0);
    const share = covered / labels.length;
    if (pieces < MANY_PIECES && share < LARGE_SHARE) return undefined;
    return {
      fault: "one-class",
      detail: pieces < MANY_PIECES
        ? `its one label covers ${
          Math.round(share * 100)
        } % of the image; ${advice}`
        : `all its ${pieces} pieces have the label ${ids[0]}; ${advice}`,
    };
  }
  if (pieces < MANY_PIECES * ids.length) return undefined;
  return {
    fault: "semantic-classes",
    detail:
      `${ids.length} labels have ${pieces} pieces: these are classes, not cells; ${advice}`,
  };
}
