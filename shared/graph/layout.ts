/**
 * Operations that move elements and compute none.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import { axisOf, broadcast, knownDim, product, spellShape } from "./shapes.ts";
import type { Dim, Value } from "./types.ts";

/**
 * Another shape for the same elements.
 *
 * A named edge at its old place is copied; one other named edge is computed
 * from the rest.
 *
 * @throws {ShapeError} if the counts differ, or two edges would be unknown
 */
export function reshape(
  g: GraphBuilder,
  x: Value,
  shape: readonly Dim[],
): Value {
  const isCopied = shape.map((dim, i) =>
    typeof dim === "string" && dim === x.shape[i] &&
    shape.slice(0, i).every((d, j) => d === x.shape[j])
  );
  const spec = shape.map((dim, i) => {
    if (typeof dim === "number") return dim;
    return isCopied[i] ? 0 : -1;
  });
  if (spec.filter((edge) => edge === -1).length > 1) {
    throw new ShapeError(
      "shape",
      `${spellShape(x.shape)} to ${spellShape(shape)} has two unknown edges`,
    );
  }
  const from = product(x.shape);
  const to = product(shape);
  if (typeof from === "number" && typeof to === "number" && from !== to) {
    throw new ShapeError(
      "shape",
      `${spellShape(x.shape)} holds ${from} elements, ${
        spellShape(shape)
      } ${to}`,
    );
  }
  return g.node("Reshape", [x, g.ints(spec)], { dtype: x.dtype, shape });
}

/**
 * Another shape, given at run time.
 *
 * @param edges  list of 64-bit integers
 * @param shape  what is known of it
 */
export function reshapeTo(
  g: GraphBuilder,
  x: Value,
  { edges, shape }: { edges: Value; shape: readonly Dim[] },
): Value {
  return g.node("Reshape", [x, edges], { dtype: x.dtype, shape });
}

/** Axes in another order. */
export function transpose(
  g: GraphBuilder,
  x: Value,
  order: readonly number[],
): Value {
  if (`${order.toSorted((a, b) => a - b)}` !== `${[...x.shape.keys()]}`) {
    throw new ShapeError("order", `[${order}] for ${spellShape(x.shape)}`);
  }
  const shape = order.map((axis) => x.shape[axis]);
  return g.node("Transpose", [x], { dtype: x.dtype, shape }, {
    attributes: { perm: { ints: order } },
  });
}

/**
 * Tensors one after another along an axis.
 *
 * @throws {ShapeError} if they differ elsewhere
 */
export function concat(
  g: GraphBuilder,
  parts: readonly Value[],
  axis: number,
): Value {
  const [first] = parts;
  const at = axisOf(first.shape, axis);
  for (const part of parts) {
    const fits = part.dtype === first.dtype &&
      part.shape.length === first.shape.length &&
      part.shape.every((dim, i) => i === at || dim === first.shape[i]);
    if (!fits) {
      throw new ShapeError(
        "parts",
        `${part.dtype} ${spellShape(part.shape)} beside ${first.dtype} ${
          spellShape(first.shape)
        } along axis ${at}`,
      );
    }
  }
  const edges = parts.map(({ shape }) => shape[at]);
  const total = edges.every((edge) => typeof edge === "number")
    ? edges.reduce((a, b) => a + b, 0)
    : edges.join("+");
  const shape = first.shape.map((dim, i) => i === at ? total : dim);
  return g.node("Concat", parts, { dtype: first.dtype, shape }, {
    attributes: { axis: { int: at } },
  });
}

/** Elements `start` to `end` (exclusive) of an axis; no `end` for all. */
export function slice(
  g: GraphBuilder,
  x: Value,
  { axis, start, end, edge }: {
    axis: number;
    start: number;
    end?: number;
    /** The result's edge where it cannot be told. */
    edge?: Dim;
  },
): Value {
  const at = axisOf(x.shape, axis);
  const old = x.shape[at];
  const last = end ?? (typeof old === "number" ? old : undefined);
  const length = edge ??
    (last === undefined ? `${old}-${start}` : last - start);
  const shape = x.shape.map((dim, i) => i === at ? length : dim);
  const stop = last ?? Number.MAX_SAFE_INTEGER;
  return g.node(
    "Slice",
    [x, g.ints([start]), g.ints([stop]), g.ints([at])],
    { dtype: x.dtype, shape },
  );
}

/** Zeros after the end of each axis. */
export function padEnd(
  g: GraphBuilder,
  x: Value,
  after: readonly number[],
): Value {
  if (after.every((count) => count === 0)) return x;
  const shape = x.shape.map((dim, i) =>
    after[i] === 0 ? dim : knownDim(dim, "padded edge") + after[i]
  );
  const pads = g.ints([...after.map(() => 0), ...after]);
  return g.node("Pad", [x, pads], { dtype: x.dtype, shape });
}

/** Copies along edges of 1, to a shape given at run time. */
export function expand(
  g: GraphBuilder,
  x: Value,
  { edges, shape }: { edges: Value; shape: readonly Dim[] },
): Value {
  return g.node("Expand", [x, edges], {
    dtype: x.dtype,
    shape: broadcast(x.shape, shape),
  });
}

/** Edges `start` to `end` (exclusive) of a shape, as 64-bit integers. */
export function shapeOf(
  g: GraphBuilder,
  x: Value,
  [start, end]: readonly [number, number],
): Value {
  return g.node("Shape", [x], { dtype: "i64", shape: [end - start] }, {
    attributes: { start: { int: start }, end: { int: end } },
  });
}

/** Twice the height and width, each pixel four times. */
export function upsampleNearest(g: GraphBuilder, x: Value): Value {
  const scales = g.constant(`scales_${x.name}`, {
    dtype: "f32",
    shape: [4],
    read: () => new Uint8Array(Float32Array.of(1, 1, 2, 2).buffer),
  });
  const shape = x.shape.map((dim, i) => i < 2 ? dim : product([dim, 2]));
  return g.node("Resize", [x, null, scales], { dtype: x.dtype, shape }, {
    attributes: {
      mode: { text: "nearest" },
      coordinate_transformation_mode: { text: "asymmetric" },
      nearest_mode: { text: "floor" },
    },
  });
}
