/**
 * Rotary positions of tokens on a grid (axial RoPE).
 *
 * @module
 */
import {
  add,
  cast,
  concat,
  cosine,
  divide,
  type GraphBuilder,
  multiply,
  reshape,
  shapeOf,
  sine,
  slice,
  subtract,
  type Value,
} from "../../shared/graph/mod.ts";
import type { Layers } from "./parameter.ts";
import { fromValues } from "./weights.ts";

/** Cosines and signed sines of every token, 1×L×1×d. */
export interface Turns {
  readonly cosines: Value;
  readonly sines: Value;
}

/**
 * Angles of a grid of patches, computed where the graph runs, so that any
 * grid fits.
 *
 * Rows and columns count from −1 to 1; each of the P periods gives an angle
 * for the row, then each for the column; the head's second half repeats them.
 * Tokens before the patches are not turned.
 *
 * @param planes  N×C×rows×columns
 * @param extra   tokens before those of patches
 */
export function readTurns(l: Layers, planes: Value, extra: number): Turns {
  const { g, weights } = l;
  const name = "encoder.rope_embed.periods";
  const [count] = weights.shape(name, [null]);
  const periods = g.constant(name, weights.constant(name, [count], "f32"));
  const [rows, columns] = [2, 3].map((axis) =>
    spread(g, shapeOf(g, planes, [axis, axis + 1]))
  );
  const angles = (places: Value) =>
    divide(
      g,
      multiply(
        g,
        reshape(g, places, [places.shape[0], 1]),
        g.float(2 * Math.PI),
      ),
      reshape(g, periods, [1, count]),
    );
  // every row beside every column: rows×columns×2P
  const one = g.ints([1]);
  const grid = concat(g, [
    shapeOf(g, planes, [2, 4]),
    g.ints([count]),
  ], 0);
  const shape = ["rows", "columns", count];
  const byRow = g.node("Expand", [
    g.node("Unsqueeze", [angles(rows), one], {
      dtype: "f32",
      shape: ["rows", 1, count],
    }),
    grid,
  ], { dtype: "f32", shape });
  const byColumn = g.node("Expand", [
    g.node("Unsqueeze", [angles(columns), g.ints([0])], {
      dtype: "f32",
      shape: [1, "columns", count],
    }),
    grid,
  ], { dtype: "f32", shape });
  const flat = g.node(
    "Reshape",
    [concat(g, [byRow, byColumn], 2), g.ints([1, -1, 1, 2 * count])],
    { dtype: "f32", shape: [1, "patches", 1, 2 * count] },
  );
  const sines = sine(g, flat);
  const negative = subtract(g, g.float(0), sines);
  return {
    cosines: join(l, [cosine(g, flat), cosine(g, flat)], {
      label: "still_cosines",
      extra,
      fill: 1,
    }),
    // the half that is exchanged into the first place changes its sign
    sines: join(l, [negative, sines], { label: "still_sines", extra, fill: 0 }),
  };
}

/** Turn the patches' part of queries or keys, N×L×heads×d. */
export function turn(l: Layers, x: Value, { cosines, sines }: Turns): Value {
  const { g } = l;
  const half = Number(x.shape[3]) / 2;
  const wide = cast(g, x, "f32");
  const exchanged = concat(g, [
    slice(g, wide, { axis: 3, start: half, end: 2 * half }),
    slice(g, wide, { axis: 3, start: 0, end: half }),
  ], 3);
  const turned = add(
    g,
    multiply(g, wide, cosines),
    multiply(g, exchanged, sines),
  );
  return cast(g, turned, l.compute);
}

/** Centers of `count` equal parts of −1 to 1. */
function spread(g: GraphBuilder, count: Value): Value {
  const edge = "places";
  const scalar = g.node("Squeeze", [count], { dtype: "i64", shape: [] });
  const whole = g.node("Range", [
    g.constant(`zero_${count.name}`, scalarOf(0n)),
    scalar,
    g.constant(`one_${count.name}`, scalarOf(1n)),
  ], { dtype: "i64", shape: [edge] });
  const middle = add(g, cast(g, whole, "f32"), g.float(0.5));
  const share = divide(g, middle, cast(g, scalar, "f32"));
  return subtract(g, multiply(g, share, g.float(2)), g.float(1));
}

function scalarOf(value: bigint) {
  const data = BigInt64Array.of(value);
  return {
    dtype: "i64" as const,
    shape: [],
    read: () => new Uint8Array(data.buffer),
  };
}

function join(
  { g }: Layers,
  halves: readonly Value[],
  { label, extra, fill }: { label: string; extra: number; fill: number },
): Value {
  const whole = concat(g, halves, 3);
  const size = Number(whole.shape[3]);
  const values = new Float32Array(extra * size).fill(fill);
  const still = g.constant(
    label,
    fromValues(values, [1, extra, 1, size], "f32"),
  );
  const joined = concat(g, [still, whole], 1);
  return { ...joined, shape: [1, "tokens", 1, size] };
}
