/**
 * Gradients of pooling by means and of resizing.
 *
 * @module
 */
import { ArgumentError } from "../../../shared/errors.ts";
import {
  cast,
  type GraphBuilder,
  intsOf,
  matmul,
  multiply,
  type Node,
  textOf,
  type Value,
} from "../../../shared/graph/mod.ts";
import { resizeMatrix } from "./resize_matrix.ts";
import { known, type Rules, simple } from "./rule.ts";

/** Mean of each b×b square. */
export function averagePool(
  g: GraphBuilder,
  x: Value,
  block: readonly number[],
): Value {
  const shape = known(x).map((edge, i) =>
    i < 2 ? edge : Math.floor(edge / block[i - 2])
  );
  return g.node("AveragePool", [x], { dtype: x.dtype, shape }, {
    attributes: { kernel_shape: { ints: block }, strides: { ints: block } },
  });
}

/** Twice the height and width, by linear interpolation between pixels. */
export function upsampleLinear(g: GraphBuilder, x: Value): Value {
  const shape = known(x).map((edge, i) => i < 2 ? edge : edge * 2);
  return resize(g, x, { shape, mode: "linear", place: "half_pixel" });
}

/** Rules of this family. */
export const poolResize: Rules = {
  AveragePool: simple(({ g, node }, d, [x]) => {
    const [rows, columns] = blockOf(node);
    const share = cast(g, g.float(1 / (rows * columns)), d.dtype);
    const shape = known(x);
    const small = multiply(g, d, share);
    return [
      resize(g, small, { shape, mode: "nearest", place: "asymmetric" }),
    ];
  }),
  Resize: simple(({ g, node }, d, [x]) => {
    const from = known(x);
    const to = known(d);
    const block = [to[2] / from[2], to[3] / from[3]];
    if (textOf(node, "mode", "nearest") === "nearest") {
      if (!block.every(Number.isInteger)) {
        throw new ArgumentError(node.op, "has a gradient for whole factors");
      }
      const mean = averagePool(g, d, block);
      return [
        multiply(g, mean, cast(g, g.float(block[0] * block[1]), d.dtype)),
      ];
    }
    return [
      resizeBack(g, d, {
        from,
        place: textOf(node, "coordinate_transformation_mode", "half_pixel"),
      }),
    ];
  }),
};

/** Edges of squares that neither overlap nor leave gaps. */
export function blockOf(node: Node): readonly number[] {
  const kernel = intsOf(node, "kernel_shape", []);
  const strides = intsOf(node, "strides", [1, 1]);
  const pads = intsOf(node, "pads", [0, 0, 0, 0]);
  if (`${kernel}` !== `${strides}` || pads.some((pad) => pad !== 0)) {
    throw new ArgumentError(
      node.op,
      "has a gradient only where squares do not overlap",
    );
  }
  return kernel;
}

/**
 * The transpose of a linear interpolation: a product with each axis' matrix.
 */
function resizeBack(
  g: GraphBuilder,
  d: Value,
  { from, place }: { from: readonly number[]; place: string },
): Value {
  const [, , height, width] = known(d);
  const matrix = (small: number, large: number, turned: boolean) => {
    const name = `resize_${place}_${small}_${large}${turned ? "_t" : ""}`;
    const shape = turned ? [small, large] : [large, small];
    const wide = g.find(name) ?? g.constant(name, {
      dtype: "f32",
      shape,
      read: () =>
        new Uint8Array(resizeMatrix({ small, large, place, turned }).buffer),
    });
    return cast(g, wide, d.dtype);
  };
  const narrow = matmul(g, d, matrix(from[3], width, false));
  return matmul(g, matrix(from[2], height, true), narrow);
}

/** Planes in another size. */
export function resize(
  g: GraphBuilder,
  x: Value,
  { shape, mode, place }: {
    shape: readonly number[];
    mode: "nearest" | "linear";
    place: string;
  },
): Value {
  const scales = known(x).map((edge, i) => shape[i] / edge);
  const name = `scales[${scales}]`;
  const factor = g.find(name) ?? g.constant(name, {
    dtype: "f32",
    shape: [scales.length],
    read: () => new Uint8Array(Float32Array.from(scales).buffer),
  });
  return g.node("Resize", [x, null, factor], { dtype: x.dtype, shape }, {
    attributes: {
      mode: { text: mode },
      coordinate_transformation_mode: { text: place },
      ...(mode === "nearest" ? { nearest_mode: { text: "floor" } } : {}),
    },
  });
}
