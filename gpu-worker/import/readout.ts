/**
 * From tokens back to pixels.
 *
 * @module
 */
import {
  cast,
  type Dim,
  reshape,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";
import { enlargeBy } from "./layers.ts";
import type { Layers } from "./parameter.ts";

/** `W2`: channels×outputs×edge×edge, a kernel that spreads a token. */
export interface Spread {
  readonly outputs: number;
  readonly edge: number;
}

/** Shape of `W2`: one channel for each output and pixel of a token. */
export function readSpread({ weights }: Layers): Spread {
  const [channels, outputs, edge] = weights.shape("W2", [
    null,
    null,
    null,
    null,
  ]);
  weights.shape("W2", [channels, outputs, edge, edge]);
  return { outputs, edge };
}

/**
 * Spread each token over its pixels.
 *
 * `W2` is an identity unless someone trained it; then no product is needed.
 *
 * @param x      N×h×w×channels
 * @param edges  output's height and width
 * @returns      N×outputs×(h·edge)×(w·edge), f32 where nothing is multiplied
 */
export function spreadTokens(
  l: Layers,
  x: Value,
  { edges }: { edges: readonly [Dim, Dim] },
): Value {
  const { g, weights } = l;
  const { outputs, edge } = readSpread(l);
  const channels = Number(x.shape[3]);
  const wanted = [channels, outputs, edge, edge];
  if (!isIdentity(weights.floats("W2", wanted), channels)) {
    return enlargeBy(l, transpose(g, x, [0, 3, 1, 2]), { weight: "W2" });
  }
  // depth to space, with the channel's index as (output, row, column)
  // in f32: see NO_BF16_KERNEL
  const planes = transpose(g, cast(g, x, "f32"), [0, 3, 1, 2]);
  const [n] = x.shape;
  return g.node("DepthToSpace", [planes], {
    dtype: planes.dtype,
    shape: [n, outputs, ...edges],
  }, {
    attributes: { blocksize: { int: edge }, mode: { text: "CRD" } },
  });
}

/** Tokens (N·h·w)×C as N×h×w×C. */
export function toGrid(
  { g }: Layers,
  x: Value,
  [n, height, width]: readonly [Dim, number, number],
): Value {
  return reshape(g, x, [n, height, width, x.shape[1]]);
}

function isIdentity(values: Float32Array, edge: number): boolean {
  return values.length === edge * edge &&
    values.every((value, i) => value === (i % (edge + 1) === 0 ? 1 : 0));
}
