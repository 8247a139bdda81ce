/**
 * Stitch labels across the blocks of a large image.
 *
 * @module
 */
import { type Arena, checkResult } from "./arena.ts";
import { checkFraction, checkInteger, checkLabels } from "./check.ts";
import { ArgumentError } from "../shared/errors.ts";
import type { LabelArray, Size } from "../shared/ndarray.ts";

/** How `stitchBlocks` joins. */
export interface BlockOptions {
  /** 0 … 1. 0.5: above it no label has two partners in an overlap (IoU). */
  threshold?: number;
  /**
   * "iou": intersection over union, both within the overlap; "containment":
   * intersection over the smaller one, which also joins where one block cut a
   * cell short, and more often joins what should stay apart.
   */
  measure?: "iou" | "containment";
}

/** Labels of one block in the region that it shares with another. */
export interface SeamSide {
  /** The block's number, as given to `addBlock`. */
  block: number;
  /** H×W or D×H×W labels of the shared region, the block's own ids. */
  masks: LabelArray;
}

/** What became of the blocks' labels. */
export interface StitchedBlocks {
  /** Per block: global label of each of its labels (entry 0 is 0). */
  tables: Map<number, Uint32Array>;
  /** Global labels are 1 … count. */
  count: number;
}

/**
 * Joins the labels of blocks as they come in, in any order; it keeps the
 * joined pairs only, not the pixels.
 */
export interface BlockStitcher {
  /**
   * Announce a block.
   *
   * @param block  its number, any integer ≥ 0; the order of the numbers is the
   *               order of the global labels
   * @param count  its labels are 1 … count
   * @throws {ArgumentError} `block` or `count`
   */
  addBlock(block: number, count: number): void;
  /**
   * Join labels of two announced blocks over the pixels they share.
   *
   * @param size  of the shared region, one pixel wide or more
   * @returns     pairs joined
   * @throws {ArgumentError | ShapeError} `a`, `b` or `size`
   */
  addSeam(a: SeamSide, b: SeamSide, size: Size): number;
  /** The tables, for `mapLabels`; more blocks and seams may follow. */
  finish(): StitchedBlocks;
}

/** Stitching of blocks. */
export function stitchBlocks(arena: Arena) {
  return {
    /**
     * Begin to stitch the blocks of a large image.
     *
     * Blocks overlap by one pixel or more. For each pair of neighbors the
     * labels that both see in the shared pixels and that agree are joined, over
     * all seams, so a cell that reaches into several blocks gets one label.
     * The result depends neither on the order of the blocks nor of the seams.
     *
     * @throws {ArgumentError} `threshold`
     *
     * Source: own; union–find over the agreeing pairs of all overlaps
     * Differs: Cellpose's distributed segmentation joins whatever touches
     *          across a cut, and nothing in 2-D
     */
    stitchBlocks(
      { threshold = 0.5, measure = "iou" }: BlockOptions = {},
    ): BlockStitcher {
      checkFraction("threshold", threshold);
      const counts = new Map<number, number>();
      const joins: [blockA: number, a: number, blockB: number, b: number][] =
        [];

      function putSide(argument: string, side: SeamSide, size: Size) {
        const count = counts.get(side.block);
        if (count === undefined) {
          throw new ArgumentError(
            `${argument}.block`,
            `block ${side.block} has not been added`,
          );
        }
        const n = checkLabels(`${argument}.masks`, side.masks, size);
        const at = arena.putLabels(side.masks);
        const largest = arena.kernels.maxLabel(at, n) >>> 0;
        if (largest > count) {
          throw new ArgumentError(
            `${argument}.masks`,
            `label ${largest} is beyond the ${count} labels of block ${side.block}`,
          );
        }
        return { at, n };
      }

      return {
        addBlock(block, count) {
          checkCount("block", block);
          checkCount("count", count);
          if (counts.has(block)) {
            throw new ArgumentError("block", `${block} was added before`);
          }
          counts.set(block, count);
        },

        addSeam(a, b, size) {
          if (a.block === b.block) {
            throw new ArgumentError("b.block", "is the same block as a.block");
          }
          return arena.scope((kernels) => {
            const { at: atA, n } = putSide("a", a, size);
            const { at: atB } = putSide("b", b, size);
            const kind = measure === "iou" ? 0 : 1;
            const pairs = checkResult(
              kernels.matchOverlap(atA, atB, n, threshold, kind),
            );
            const labelsA = arena.viewU32(atA, pairs);
            const labelsB = arena.viewU32(atB, pairs);
            labelsA.forEach((label, k) => {
              joins.push([a.block, label, b.block, labelsB[k]]);
            });
            return pairs;
          });
        },

        finish: () => numberLabels(counts, joins),
      };
    },
  };
}

/** Global labels, in the order of block and label of each joined set's first. */
function numberLabels(
  counts: ReadonlyMap<number, number>,
  joins: readonly (readonly [number, number, number, number])[],
): StitchedBlocks {
  // node of label k of a block: the block's offset + k
  const blocks = [...counts].sort(([a], [b]) => a - b);
  const offsets = new Map<number, number>();
  let nodes = 0;
  for (const [block, count] of blocks) {
    offsets.set(block, nodes);
    nodes += count + 1;
  }
  const nodeOf = (block: number, label: number) =>
    (offsets.get(block) ?? 0) + label;

  // a set is named by its smallest node
  const parents = Uint32Array.from({ length: nodes }, (_, k) => k);
  const rootOf = (node: number) => {
    while (parents[node] !== node) {
      node = parents[node] = parents[parents[node]];
    }
    return node;
  };
  for (const [blockA, a, blockB, b] of joins) {
    const rootA = rootOf(nodeOf(blockA, a));
    const rootB = rootOf(nodeOf(blockB, b));
    parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }

  const labels = new Uint32Array(nodes);
  const tables = new Map<number, Uint32Array>();
  let count = 0;
  for (const [block, own] of blocks) {
    const first = nodeOf(block, 0);
    for (let node = first + 1; node <= first + own; node++) {
      const root = rootOf(node);
      labels[node] = root === node ? ++count : labels[root];
    }
    tables.set(block, labels.slice(first, first + own + 1));
  }
  return { tables, count };
}

function checkCount(argument: string, value: number): void {
  checkInteger(argument, value);
  if (value < 0) {
    throw new ArgumentError(argument, `must not be negative, is ${value}`);
  }
}
