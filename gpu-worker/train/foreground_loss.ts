/**
 * The objective of networks that tell cells from background only.
 *
 * @module
 */
import {
  type GraphBuilder,
  multiply,
  slice,
  subtract,
  type Value,
} from "../../shared/graph/mod.ts";
import { softplus } from "./gradients/activation.ts";
import { sumOver } from "./gradients/broadcast.ts";
import { known } from "./gradients/rule.ts";
import type { LossTargets } from "./loss.ts";

/**
 * Mean binary cross-entropy of one logit plane with the foreground.
 *
 * @param prediction  N×1×H×W f32
 * @returns           scalar
 *
 * Source: Cellpose 4.2.1.1 `train.train_seg`, its second term.
 * Differs: nothing.
 */
export function foregroundLoss(
  g: GraphBuilder,
  prediction: Value,
  { targets, pixelWeights }: LossTargets,
): Value {
  const pixels = known(prediction).reduce((a, b) => a * b, 1);
  const isCell = slice(g, targets, { axis: 1, start: 0, end: 1 });
  const entropy = subtract(
    g,
    softplus(g, prediction),
    multiply(g, prediction, isCell),
  );
  const weighted = pixelWeights ? multiply(g, entropy, pixelWeights) : entropy;
  return multiply(
    g,
    sumOver(g, weighted, [0, 1, 2, 3], { drop: true }),
    g.float(1 / pixels),
  );
}
