/**
 * Gradients of operations that move elements.
 *
 * @module
 */
import {
  cast,
  concat,
  type GraphBuilder,
  intOf,
  intsOf,
  product,
  reshape,
  slice,
  textOf,
  transpose,
  type Value,
} from "../../../shared/graph/mod.ts";
import { ArgumentError } from "../../../shared/errors.ts";
import { sumTo } from "./broadcast.ts";
import { ints, known, type Rule, type Rules, simple } from "./rule.ts";

/** Blocks of b×b channels as pixels: N×C·b²×H×W → N×C×H·b×W·b, PixelShuffle. */
export function depthToSpace(
  g: GraphBuilder,
  x: Value,
  block: number,
): Value {
  const [count, channels, height, width] = x.shape;
  const shape = [
    count,
    Number(channels) / block ** 2,
    product([height, block]),
    product([width, block]),
  ];
  return g.node("DepthToSpace", [x], { dtype: x.dtype, shape }, {
    attributes: { blocksize: { int: block }, mode: { text: "CRD" } },
  });
}

const reshaped: Rule = simple(({ g }, d, [x]) => [reshape(g, d, x.shape)]);

/** Rules of this family. */
export const shape: Rules = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Expand: simple(({ g }, d, [x]) => [sumTo(g, d, x)]),
  Transpose: simple(({ g, node }, d, [x]) => {
    const order = intsOf(node, "perm", [...x.shape.keys()].reverse());
    return [transpose(g, d, order.map((_, axis) => order.indexOf(axis)))];
  }),
  Concat: simple(({ g, node, wanted }, d, parts) => {
    const axis = axisOf(intOf(node, "axis", 0), d);
    let end = 0;
    return parts.map((part, i) => {
      const start = end;
      end += known(part)[axis];
      return wanted[i] ? slice(g, d, { axis, start, end }) : null;
    });
  }),
  Split: ({ g, node, outputs, gradients }) => {
    const axis = axisOf(intOf(node, "axis", 0), outputs[0]);
    return [
      concat(g, outputs.map((y, i) => gradients[i] ?? zeros(g, y)), axis),
    ];
  },
  Slice: simple(({ g, node }, d, [x, starts, , axes, steps]) => {
    const isPlain = steps === undefined ||
      ints(g, steps).every((step) => step === 1);
    if (!isPlain) {
      throw new ArgumentError(node.op, "has a gradient for steps of 1 only");
    }
    const edges = known(x);
    const left = known(d);
    const before = edges.map(() => 0);
    const at = axes ? ints(g, axes) : [...ints(g, starts).keys()];
    ints(g, starts).forEach((start, i) => {
      const axis = axisOf(at[i], x);
      const from = start < 0 ? start + edges[axis] : start;
      before[axis] = Math.min(Math.max(from, 0), edges[axis]);
    });
    const after = edges.map((edge, i) => edge - left[i] - before[i]);
    return [g.node("Pad", [d, g.ints([...before, ...after])], x)];
  }),
  Pad: simple(({ g, node }, d, [x, pads]) => {
    if (textOf(node, "mode", "constant") !== "constant") {
      throw new ArgumentError(node.op, "has a gradient for constants only");
    }
    const before = ints(g, pads).slice(0, x.shape.length);
    const ends = known(x).map((edge, i) => edge + before[i]);
    return [
      g.node(
        "Slice",
        [d, g.ints(before), g.ints(ends), g.ints([...ends.keys()])],
        x,
      ),
    ];
  }),
  DepthToSpace: simple(({ g, node }, d, [x]) => {
    const block = intOf(node, "blocksize", 1);
    if (textOf(node, "mode", "DCR") === "DCR") {
      return [
        g.node("SpaceToDepth", [d], x, {
          attributes: { blocksize: { int: block } },
        }),
      ];
    }
    const [count, channels, height, width] = known(x);
    const blocks = reshape(g, d, [
      count,
      channels / block ** 2,
      height,
      block,
      width,
      block,
    ]);
    return [reshape(g, transpose(g, blocks, [0, 1, 3, 5, 2, 4]), x.shape)];
  }),
  SpaceToDepth: simple(({ g, node }, d, [x]) => [
    g.node("DepthToSpace", [d], x, {
      attributes: {
        blocksize: { int: intOf(node, "blocksize", 1) },
        mode: { text: "DCR" },
      },
    }),
  ]),
};

/** Zeros of a value's shape and element type. */
export function zeros(g: GraphBuilder, like: Value): Value {
  const wide = g.node("ConstantOfShape", [g.ints(known(like))], {
    dtype: "f32",
    shape: like.shape,
  });
  return cast(g, wide, like.dtype);
}

function axisOf(axis: number, { shape }: Value): number {
  return axis < 0 ? axis + shape.length : axis;
}
