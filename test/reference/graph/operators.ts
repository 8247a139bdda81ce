/**
 * ONNX operators on 64-bit floats, by their definitions, one element a time.
 *
 * To add one: a function from the node and its inputs to its outputs. One file
 * although long: a table with an entry an operator.
 */
import {
  floatOf,
  intOf,
  intsOf,
  type Node,
  textOf,
} from "../../../shared/graph/mod.ts";
import {
  at,
  atOrZero,
  eachIndex,
  fill,
  size,
  stretched,
  type Tensor64,
  together,
} from "./tensor.ts";

export type Operator = (
  node: Node,
  inputs: readonly (Tensor64 | undefined)[],
) => Tensor64 | readonly Tensor64[];

type Inputs = readonly Tensor64[];

const op = (
  compute: (x: Tensor64, node: Node, inputs: Inputs) => Tensor64,
): Operator =>
(node, inputs) => compute(inputs[0]!, node, inputs as Inputs);

const unary = (compute: (x: number) => number): Operator =>
  op(({ shape, data }) => ({ shape, data: data.map(compute) }));

const binary = (compute: (a: number, b: number) => number): Operator =>
  op((_, __, inputs) =>
    fill(
      together(inputs),
      (index) => inputs.map((x) => stretched(x, index)).reduce(compute),
    )
  );

const reduction = (
  compute: (values: readonly number[]) => number,
): Operator =>
  op((x, node, [, axesInput]) => {
    const axes = axesInput
      ? ints(axesInput).map((axis) => axis < 0 ? axis + x.shape.length : axis)
      : [...x.shape.keys()];
    const kept = x.shape.map((edge, i) => axes.includes(i) ? 1 : edge);
    const inner = x.shape.map((edge, i) => axes.includes(i) ? edge : 1);
    const reduced = fill(kept, (index) => {
      const values: number[] = [];
      eachIndex(inner, (offset) => {
        values.push(at(x, index.map((i, axis) => i + offset[axis])));
      });
      return compute(values);
    });
    return intOf(node, "keepdims", 1) === 1 ? reduced : {
      shape: x.shape.filter((_, i) => !axes.includes(i)),
      data: reduced.data,
    };
  });

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const ints = (x: Tensor64) => [...x.data];

/** An axis of a window: kernel, stride, pads before and after, dilation. */
function windowOf(node: Node, kernel: readonly number[]) {
  const pads = intsOf(node, "pads", kernel.flatMap(() => [0, 0]));
  const strides = intsOf(node, "strides", kernel.map(() => 1));
  const dilations = intsOf(node, "dilations", kernel.map(() => 1));
  return { pads, strides, dilations };
}

function pool(
  x: Tensor64,
  node: Node,
  compute: (values: readonly number[]) => number,
): Tensor64 {
  const kernel = intsOf(node, "kernel_shape", []);
  const { strides } = windowOf(node, kernel);
  const [n, c, height, width] = x.shape;
  const edges = [height, width].map((edge, i) =>
    Math.floor((edge - kernel[i]) / strides[i]) + 1
  );
  return fill([n, c, ...edges], ([i, j, row, column]) => {
    const values: number[] = [];
    eachIndex(kernel, ([a, b]) => {
      values.push(
        at(x, [i, j, row * strides[0] + a, column * strides[1] + b]),
      );
    });
    return compute(values);
  });
}

export const OPERATORS: Readonly<Record<string, Operator>> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Max: binary(Math.max),
  Min: binary(Math.min),
  Greater: binary((a, b) => Number(a > b)),
  Identity: unary((x) => x),
  Cast: unary((x) => x),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tanh: unary(Math.tanh),
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => Math.max(x, 0)),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Softplus: unary((x) => Math.log1p(Math.exp(x))),
  Where: op((condition, _, inputs) =>
    fill(
      together(inputs),
      (index) =>
        stretched(stretched(condition, index) ? inputs[1] : inputs[2], index),
    )
  ),
  ReduceSum: reduction(sum),
  ReduceMean: reduction((values) => sum(values) / values.length),
  ReduceSumSquare: reduction((values) => sum(values.map((x) => x * x))),
  ReduceL2: reduction((values) => Math.sqrt(sum(values.map((x) => x * x)))),
  GlobalAveragePool: op((x) =>
    fill([x.shape[0], x.shape[1], 1, 1], ([n, c]) => {
      let total = 0;
      eachIndex(x.shape.slice(2), ([i, j]) => total += at(x, [n, c, i, j]));
      return total / (x.shape[2] * x.shape[3]);
    })
  ),
  MatMul: op((a, _, [, b]) => {
    const rows = a.shape.at(-2)!;
    const inner = a.shape.at(-1)!;
    const columns = b.shape.at(-1)!;
    const outer = (x: Tensor64) => ({
      shape: [...x.shape.slice(0, -2), 1, 1],
      data: x.data,
    });
    const batch = together([outer(a), outer(b)]).slice(0, -2);
    return fill([...batch, rows, columns], (index) => {
      const [i, j] = index.slice(-2);
      const lead = index.slice(0, -2);
      const place = (x: Tensor64, end: number[]) => {
        const own = lead.slice(lead.length - (x.shape.length - 2));
        return at(x, [
          ...own.map((at, axis) => x.shape[axis] === 1 ? 0 : at),
          ...end,
        ]);
      };
      let total = 0;
      for (let k = 0; k < inner; k++) {
        total += place(a, [i, k]) * place(b, [k, j]);
      }
      return total;
    });
  }),
  Conv: op((x, node, [, w, bias]) => {
    const [outer, inner, ...kernel] = w.shape;
    const { pads, strides, dilations } = windowOf(node, kernel);
    const group = intOf(node, "group", 1);
    const edges = kernel.map((k, i) =>
      Math.floor(
        (x.shape[2 + i] + pads[i] + pads[i + 2] - dilations[i] * (k - 1) - 1) /
          strides[i],
      ) + 1
    );
    return fill([x.shape[0], outer, ...edges], ([n, o, row, column]) => {
      const first = Math.floor(o / (outer / group)) * inner;
      let total = bias ? bias.data[o] : 0;
      eachIndex([inner, ...kernel], ([c, i, j]) => {
        total += at(w, [o, c, i, j]) * atOrZero(x, [
          n,
          first + c,
          row * strides[0] + i * dilations[0] - pads[0],
          column * strides[1] + j * dilations[1] - pads[1],
        ]);
      });
      return total;
    });
  }),
  ConvTranspose: op((x, node, [, w, bias]) => {
    const [, outer, ...kernel] = w.shape;
    const { pads, strides } = windowOf(node, kernel);
    const edges = kernel.map((k, i) =>
      (x.shape[2 + i] - 1) * strides[i] + k - pads[i] - pads[i + 2]
    );
    const y = fill(
      [x.shape[0], outer, ...edges],
      ([, o]) => bias ? bias.data[o] : 0,
    );
    eachIndex(x.shape, ([n, c, row, column], from) => {
      eachIndex([outer, ...kernel], ([o, i, j]) => {
        const place = [
          row * strides[0] + i - pads[0],
          column * strides[1] + j - pads[1],
        ];
        if (place.some((p, axis) => p < 0 || p >= edges[axis])) return;
        const to = ((n * outer + o) * edges[0] + place[0]) * edges[1] +
          place[1];
        y.data[to] += x.data[from] * at(w, [c, o, i, j]);
      });
    });
    return y;
  }),
  BatchNormalization: op((x, node, [, scale, shift, mean, variance]) =>
    fill(x.shape, (index) => {
      const c = index[1];
      const spread = Math.sqrt(
        variance.data[c] + floatOf(node, "epsilon", 1e-5),
      );
      return (at(x, index) - mean.data[c]) / spread * scale.data[c] +
        shift.data[c];
    })
  ),
  MaxPool: op((x, node) => pool(x, node, (values) => Math.max(...values))),
  AveragePool: op((x, node) =>
    pool(x, node, (values) => sum(values) / values.length)
  ),
  Resize: op((x, node, [, , scales]) => {
    const shape = x.shape.map((edge, i) => Math.floor(edge * scales.data[i]));
    const place = textOf(node, "coordinate_transformation_mode", "half_pixel");
    const isLinear = textOf(node, "mode", "nearest") === "linear";
    const locate = (at: number, axis: number) => {
      const scale = scales.data[axis];
      if (place === "asymmetric") return at / scale;
      if (place === "half_pixel") return (at + 0.5) / scale - 0.5;
      return at * (x.shape[axis] - 1) / Math.max(shape[axis] - 1, 1);
    };
    return fill(shape, ([n, c, row, column]) => {
      const exact = [row, column].map((at, i) =>
        Math.min(Math.max(locate(at, 2 + i), 0), x.shape[2 + i] - 1)
      );
      const corner = exact.map(Math.floor);
      if (!isLinear) return at(x, [n, c, ...corner]);
      const share = exact.map((value, i) => value - corner[i]);
      let total = 0;
      eachIndex([2, 2], ([i, j]) => {
        const weight = (i ? share[0] : 1 - share[0]) *
          (j ? share[1] : 1 - share[1]);
        total += weight * atOrZero(x, [n, c, corner[0] + i, corner[1] + j]);
      });
      return total;
    });
  }),
  Reshape: op((x, _, [, edges]) => {
    const kept = ints(edges).map((edge, i) => edge === 0 ? x.shape[i] : edge);
    const rest = size(kept.filter((edge) => edge !== -1));
    const shape = kept.map((edge) => edge === -1 ? x.data.length / rest : edge);
    return { shape, data: x.data };
  }),
  Flatten: op((x) => ({
    shape: [x.shape[0], size(x.shape.slice(1))],
    data: x.data,
  })),
  Transpose: op((x, node) => {
    const order = intsOf(node, "perm", [...x.shape.keys()].reverse());
    return fill(
      order.map((axis) => x.shape[axis]),
      (index) => at(x, order.map((_, axis) => index[order.indexOf(axis)])),
    );
  }),
  Concat: op((_, node, parts) => {
    const axis = intOf(node, "axis", 0);
    const edges = parts.map(({ shape }) => shape[axis]);
    const shape = parts[0].shape.map((edge, i) =>
      i === axis ? sum(edges) : edge
    );
    return fill(shape, (index) => {
      let place = index[axis];
      const part = parts.findIndex((_, i) => {
        if (place < edges[i]) return true;
        place -= edges[i];
        return false;
      });
      return at(parts[part], index.with(axis, place));
    });
  }),
  Slice: op((x, _, [, starts, ends, axes]) => {
    const from = x.shape.map(() => 0);
    const shape = [...x.shape];
    ints(axes).forEach((given, i) => {
      const axis = given < 0 ? given + x.shape.length : given;
      const place = (p: number) =>
        Math.min(Math.max(p < 0 ? p + x.shape[axis] : p, 0), x.shape[axis]);
      from[axis] = place(starts.data[i]);
      shape[axis] = place(ends.data[i]) - from[axis];
    });
    return fill(
      shape,
      (index) => at(x, index.map((p, axis) => p + from[axis])),
    );
  }),
  Split: (node, [x, lengths]) => {
    const axis = intOf(node, "axis", 0);
    let from = 0;
    return ints(lengths!).map((length) => {
      const start = from;
      from += length;
      return fill(
        x!.shape.with(axis, length),
        (index) => at(x!, index.with(axis, index[axis] + start)),
      );
    });
  },
  Pad: op((x, _, [, pads]) =>
    fill(
      x.shape.map((edge, i) =>
        edge + pads.data[i] + pads.data[i + x.shape.length]
      ),
      (index) => atOrZero(x, index.map((p, axis) => p - pads.data[axis])),
    )
  ),
  Expand: op((x, _, [, edges]) =>
    fill(
      together([x, { shape: ints(edges), data: x.data }]),
      (index) => stretched(x, index),
    )
  ),
  DepthToSpace: op((x, node) => {
    const block = intOf(node, "blocksize", 1);
    const isColumnFirst = textOf(node, "mode", "DCR") === "DCR";
    const [n, channels, height, width] = x.shape;
    const depth = channels / block ** 2;
    return fill([n, depth, height * block, width * block], (index) => {
      const [i, c, row, column] = index;
      const tap = (row % block) * block + column % block;
      const from = isColumnFirst ? tap * depth + c : c * block ** 2 + tap;
      return at(x, [
        i,
        from,
        Math.floor(row / block),
        Math.floor(column / block),
      ]);
    });
  }),
  SpaceToDepth: op((x, node) => {
    const block = intOf(node, "blocksize", 1);
    const [n, channels, height, width] = x.shape;
    return fill(
      [n, channels * block ** 2, height / block, width / block],
      ([i, c, row, column]) => {
        const tap = Math.floor(c / channels);
        return at(x, [
          i,
          c % channels,
          row * block + Math.floor(tap / block),
          column * block + tap % block,
        ]);
      },
    );
  }),
};
