/**
 * Masks again and again from the same flows with other parameters: steps whose
 * parameters are the same as before are not computed again.
 *
 *   track    niter, cellprobThreshold, convention   where points end
 *   cluster  maxSizeFraction                        labels
 *   check    parity, flowCheck                      flow error of each label
 *   clean    flowThreshold, minSize, fillHoles      masks
 *
 * A change of a step's parameters computes it and those below it.
 *
 * @module
 */
import type { Size } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import { checkCellprob, checkEdges, checkFlows } from "./check.ts";
import { edges } from "./flows.ts";
import {
  checkKind,
  checkNiter,
  conventionOf,
  isPlain,
  type Masks,
  type MasksOptions,
  type Points,
  putSettings,
} from "./settings.ts";
import {
  cleanLabels,
  type Clustered,
  clusterSinks,
  measureErrors,
  type Output,
  trackAll,
  type Tracked,
} from "./tuner_steps.ts";

/** Masks of one image, again and again. */
export interface Tuner {
  /**
   * Compute masks; the contract and the bits are those of `computeMasks`.
   *
   * @throws {ArgumentError | CoreMemoryError} as `computeMasks`
   */
  computeMasks(options?: MasksOptions): Masks;
  /**
   * Where the foreground's points end, as `followFlows` tells.
   *
   * @throws {ArgumentError} for the convention "nearest"
   */
  endPoints(options?: MasksOptions): Points;
}

/** Tuners over one instance of the module. */
export function tuning(arena: Arena) {
  return {
    /**
     * Prepare masks of one image with parameters that change.
     *
     * Holds the arrays, not copies: they must not change. It keeps about 21
     * bytes a foreground pixel and 4 a pixel.
     *
     * @param flows     2×H×W or 3×D×H×W f32, unit scale, finite
     * @param cellprob  H×W or D×H×W f32, logit, no NaN
     * @throws {ArgumentError | ShapeError} as `computeMasks`
     *
     * Source: as `computeMasks`. Differs: nothing.
     */
    createTuner(
      flows: Float32Array,
      cellprob: Float32Array,
      size: Size,
    ): Tuner {
      checkEdges(size);
      arena.scope(() => {
        checkFlows(arena, flows, size);
        checkCellprob(arena, cellprob, size);
      });
      return createTuner(arena, { flows, cellprob, size });
    },
  };
}

function createTuner(arena: Arena, output: Output): Tuner {
  const { size } = output;
  const { d, h, w } = edges(size);
  const track = remember((options: MasksOptions) =>
    trackAll(arena, output, options)
  );
  const cluster = remember((tracked: Tracked, options: MasksOptions) =>
    clusterSinks(arena, output, { tracked, options })
  );
  const check = remember((clustered: Clustered, parity: number) =>
    measureErrors(arena, output, { clustered, parity })
  );
  const stages = (options: MasksOptions) => {
    const tracked = track(trackKey(options, d), options);
    const { cellprobThreshold = 0, maxSizeFraction = 0.4 } = options;
    const clustered = cluster(
      `${trackKey(options, d)} ${maxSizeFraction}`,
      tracked,
      { cellprobThreshold, maxSizeFraction },
    );
    return { tracked, clustered };
  };
  return {
    computeMasks(options = {}) {
      // wrong parameters are found before anything runs
      arena.scope(() =>
        putSettings(
          arena,
          options,
          d,
          options.confidence || options.settled ? 1 : 0,
        )
      );
      const { tracked, clustered } = stages(options);
      const isChecked =
        Math.fround(options.flowThreshold ?? (d === 1 ? 0.4 : 0)) > 0;
      const parity = checkKind(options);
      const { maxSizeFraction = 0.4 } = options;
      const errors = isChecked && clustered.count > 0
        ? check(
          `${trackKey(options, d)} ${maxSizeFraction} ${parity}`,
          clustered,
          parity,
        )
        : undefined;
      return cleanLabels(arena, output, {
        tracked,
        clustered,
        errors,
        options,
      });
    },
    endPoints(options = {}) {
      checkNiter(options.niter ?? 200);
      const { points } = stages(options).tracked;
      const convention = conventionOf(isPlain(options), d);
      const axes = d === 1 ? 2 : 3;
      const count = points.length / axes;
      const { cellprobThreshold = 0 } = options;
      return arena.scope((kernels) => {
        const at = arena.put(points);
        kernels.pointsToPositions(at, at, count, d, h, w, convention);
        const indices = arena.reserve(count * 4);
        const cellprobAt = arena.put(output.cellprob);
        kernels.foregroundPixels(
          indices,
          cellprobAt,
          d * h * w,
          cellprobThreshold,
        );
        return {
          points: arena.viewF32(at, count * axes).slice(),
          indices: arena.viewU32(indices, count).slice(),
        };
      });
    },
  };
}

/** Parameters that tracking depends on. */
function trackKey(options: MasksOptions, d: number): string {
  const { niter = 200, cellprobThreshold = 0, convention, earlyStop } = options;
  const kind = convention === "nearest"
    ? convention
    : conventionOf(isPlain(options), d);
  return `${niter} ${Math.fround(cellprobThreshold)} ${kind} ${earlyStop}`;
}

/** Keep the last result of a step. */
function remember<A extends unknown[], T>(compute: (...given: A) => T) {
  let last: { key: string; result: T } | undefined;
  return (key: string, ...given: A): T => {
    if (last?.key !== key) last = { key, result: compute(...given) };
    return last.result;
  };
}
