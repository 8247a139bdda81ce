/**
 * Cellpose's objective on flows and cell probability.
 *
 * @module
 */
import { ShapeError } from "../../shared/errors.ts";
import {
  add,
  type GraphBuilder,
  multiply,
  slice,
  spellShape,
  subtract,
  type Value,
} from "../../shared/graph/mod.ts";
import { sigmoid, softplus } from "./gradients/activation.ts";
import { sumOver } from "./gradients/broadcast.ts";
import { composite } from "./gradients/composite.ts";
import { known, simple } from "./gradients/rule.ts";

/** Length of the flows that a network is trained to give. */
const FLOW_LENGTH = 5;
const AXES = [0, 1, 2, 3];

/** What a prediction is compared with. */
export interface LossTargets {
  /** N×3×H×W f32: foreground (above 0.5), dY, dX at unit scale. */
  readonly targets: Value;
  /** N×1×H×W f32, how much each pixel counts; default 1. */
  readonly pixelWeights?: Value | undefined;
}

/**
 * Half the mean squared error against flows of length 5, plus the mean binary
 * cross-entropy of the cell-probability logit.
 *
 * Means are over all pixels, background included; with pixel weights over
 * weighted pixels, still divided by their count.
 *
 * @param prediction  N×3×H×W f32: dY, dX, cellprob logit
 * @returns           scalar
 *
 * Source: cellpose 4.2.1.1, train.train_seg; reference section 5
 * Differs: pixel weights
 */
export function cellposeLoss(
  g: GraphBuilder,
  prediction: Value,
  { targets, pixelWeights }: LossTargets,
): Value {
  const [count, channels, height, width] = known(prediction);
  if (channels !== 3 || `${targets.shape}` !== `${prediction.shape}`) {
    throw new ShapeError(
      "targets",
      `are ${spellShape(targets.shape)} for a prediction of ${
        spellShape(prediction.shape)
      }; both need three channels`,
    );
  }
  const pixels = count * height * width;
  const weighted = (x: Value) =>
    pixelWeights ? multiply(g, x, pixelWeights) : x;
  let flowError: Value | undefined;
  let logit: Value | undefined;
  let isCell: Value | undefined;
  const [loss] = composite(g, {
    op: "CellposeLoss",
    inputs: [prediction],
    build() {
      flowError = subtract(
        g,
        slice(g, prediction, { axis: 1, start: 0, end: 2 }),
        multiply(
          g,
          slice(g, targets, { axis: 1, start: 1, end: 3 }),
          g.float(FLOW_LENGTH),
        ),
      );
      logit = slice(g, prediction, { axis: 1, start: 2, end: 3 });
      isCell = step(g, slice(g, targets, { axis: 1, start: 0, end: 1 }));
      const squares = weighted(multiply(g, flowError, flowError));
      // softplus(x) − x·t neither overflows nor takes the logarithm of 0
      const entropy = weighted(
        subtract(g, softplus(g, logit), multiply(g, logit, isCell)),
      );
      return [
        add(
          g,
          multiply(g, total(g, squares), g.float(0.5 / (2 * pixels))),
          multiply(g, total(g, entropy), g.float(1 / pixels)),
        ),
      ];
    },
    rule: simple((_, d) => {
      const flows = weighted(
        multiply(g, flowError!, multiply(g, d, g.float(0.5 / pixels))),
      );
      const odds = weighted(
        multiply(
          g,
          subtract(g, sigmoid(g, logit!), isCell!),
          multiply(g, d, g.float(1 / pixels)),
        ),
      );
      return [g.node("Concat", [flows, odds], prediction, {
        attributes: { axis: { int: 1 } },
      })];
    }),
  });
  return loss;
}

/** 1 above a half, else 0. */
function step(g: GraphBuilder, x: Value): Value {
  const isAbove = g.node("Greater", [x, g.float(0.5)], {
    dtype: "bool",
    shape: x.shape,
  });
  return g.node("Cast", [isAbove], x, { attributes: { to: { int: 1 } } });
}

/**
 * Sum of all elements, as a scalar; axis by axis, as one sum of many
 * thousands loses digits in 32 bits.
 */
function total(g: GraphBuilder, x: Value): Value {
  return AXES.reduceRight(
    (sum, axis) => sumOver(g, sum, [axis], { drop: true }),
    x,
  );
}
