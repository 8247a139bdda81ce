/** Gradient rules of transformers, beside finite differences in float64. */
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { differentiate } from "../../gpu-worker/train/differentiate.ts";
import { keptAttention } from "../../gpu-worker/train/gradients/kept_attention.ts";
import { erf } from "../../gpu-worker/train/gradients/smooth.ts";
import {
  buildGraph,
  concat,
  encodeModel,
  expand,
  gelu,
  gemm,
  type GraphBuilder,
  layerNorm,
  matmul,
  multiHeadAttention,
  multiply,
  reshape,
  softmax,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";
import { createRandom } from "../../shared/synthetic/mod.ts";
import {
  at,
  differences,
  erf64,
  type Function64,
  layerNorm64,
  make,
  matmul64,
  softmax64,
  type Tensor64,
  transpose64,
} from "../reference/tensor64.ts";

interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly graph: (g: GraphBuilder, inputs: Value[]) => Value;
  readonly reference: Function64;
}

const product: Case["graph"] = (g, [a, b]) => matmul(g, a, b);

function gemmOf(transA: number, transB: number): Case {
  const a = transA ? [4, 3] : [3, 4];
  const b = transB ? [5, 4] : [4, 5];
  const turned = (x: Tensor64, is: number) => is ? transpose64(x, [1, 0]) : x;
  return {
    shapes: [a, b, [5]],
    graph: (g, inputs) =>
      g.node("Gemm", inputs, { dtype: "f32", shape: [3, 5] }, {
        attributes: {
          transA: { int: transA },
          transB: { int: transB },
          alpha: { float: 0.5 },
          beta: { float: 2 },
        },
      }),
    reference: (x, y, z) => {
      const whole = matmul64(turned(x, transA), turned(y, transB));
      return make([3, 5], (i) => 0.5 * at(whole, i) + 2 * at(z, i));
    },
  };
}

function attentionOf(heads: number, [s, t]: [number, number]): Case {
  const scale = 0.7;
  const part = (x: Tensor64) => {
    const [n, count, width] = x.shape;
    const apart = { ...x, shape: [n, count, heads, width / heads] };
    return transpose64(apart, [0, 2, 1, 3]);
  };
  return {
    shapes: [[2, s, heads * 3], [2, t, heads * 3], [2, t, heads * 2]],
    graph: (g, [query, key, value]) =>
      multiHeadAttention(g, { query, key, value }, { heads, scale }),
    reference: (query, key, value) => {
      const scores = matmul64(
        part(query),
        transpose64(part(key), [0, 1, 3, 2]),
      );
      const shares = softmax64(
        make(scores.shape, (i) => scale * at(scores, i)),
      );
      const mixed = transpose64(matmul64(shares, part(value)), [0, 2, 1, 3]);
      return { ...mixed, shape: [2, s, heads * 2] };
    },
  };
}

/** Attention that keeps its shares; with marks a third of each key is given. */
function keptAttentionOf(hasMarks: boolean): Case {
  const [heads, s, t, scale] = [2, 3, 5, 0.7];
  const whole = attentionOf(heads, [s, t]);
  const node = {
    op: "MultiHeadAttention",
    domain: "com.microsoft",
    inputs: [],
    outputs: [],
    attributes: { num_heads: { int: heads }, scale: { float: scale } },
  };
  const mark = (token: number) => token / 4;
  const withMarks = (g: GraphBuilder, key: Value) => {
    const marks = g.constant("marks", {
      dtype: "f32",
      shape: [1, t, 1, 1],
      read: () =>
        new Uint8Array(
          Float32Array.from({ length: t }, (_, i) => mark(i)).buffer,
        ),
    });
    const shape = [2, t, heads, 1];
    const parts = [
      reshape(g, key, [2, t, heads, 2]),
      expand(g, marks, { edges: g.ints(shape), shape }),
    ];
    return reshape(g, concat(g, parts, -1), [2, t, heads * 3]);
  };
  return {
    shapes: hasMarks
      ? [[2, s, heads * 3], [2, t, heads * 2], [2, t, heads * 2]]
      : whole.shapes,
    graph: (g, [query, key, value]) =>
      keptAttention(g, node, [
        query,
        hasMarks ? withMarks(g, key) : key,
        value,
      ]),
    reference: (query, key, value) => {
      const full = make([2, t, heads * 3], ([n, token, i]) => {
        const [head, at3] = [Math.floor(i / 3), i % 3];
        return at3 === 2 ? mark(token) : at(key, [n, token, head * 2 + at3]);
      });
      return whole.reference(query, hasMarks ? full : key, value);
    },
  };
}

function depthToSpace(mode: string): Case {
  return {
    shapes: [[2, 12, 2, 3]],
    graph: (g, [x]) =>
      g.node("DepthToSpace", [x], { dtype: "f32", shape: [2, 3, 4, 6] }, {
        attributes: { blocksize: { int: 2 }, mode: { text: mode } },
      }),
    reference: (x) =>
      make([2, 3, 4, 6], ([n, c, i, j]) => {
        const inner = i % 2 * 2 + j % 2;
        const channel = mode === "CRD" ? 4 * c + inner : 3 * inner + c;
        return at(x, [n, channel, i >> 1, j >> 1]);
      }),
  };
}

const CASES: Readonly<Record<string, Case>> = {
  "MatMul of two matrices": {
    shapes: [[3, 4], [4, 5]],
    graph: product,
    reference: matmul64,
  },
  "MatMul of many matrices with one": {
    shapes: [[2, 3, 4, 5], [5, 2]],
    graph: product,
    reference: matmul64,
  },
  "MatMul of one matrix with many": {
    shapes: [[4, 5], [3, 5, 2]],
    graph: product,
    reference: matmul64,
  },
  "MatMul whose batches are repeated on both sides": {
    shapes: [[2, 1, 3, 4], [3, 4, 2]],
    graph: product,
    reference: matmul64,
  },
  "Gemm": gemmOf(0, 0),
  "Gemm of a transposed": gemmOf(1, 0),
  "Gemm with b transposed": gemmOf(0, 1),
  "Gemm with both transposed": gemmOf(1, 1),
  "gemm() as layers use it": {
    shapes: [[3, 4], [2, 4], [2]],
    graph: (g, [x, weight, bias]) => gemm(g, x, { weight, bias }),
    reference: (x, w, b) => {
      const y = matmul64(x, transpose64(w, [1, 0]));
      return make(y.shape, (i) => at(y, i) + at(b, i));
    },
  },
  "LayerNormalization": {
    shapes: [[2, 3, 5], [5], [5]],
    graph: (g, [x, scale, shift]) =>
      layerNorm(g, x, { scale, shift, epsilon: 1e-2 }),
    reference: (...inputs) => layerNorm64(inputs, 1e-2),
  },
  "Gelu": {
    shapes: [[3, 7]],
    graph: (g, [x]) => gelu(g, x),
    reference: (x) =>
      make(x.shape, (i) => {
        const v = at(x, i);
        return v * (1 + erf64(v * Math.SQRT1_2)) / 2;
      }),
  },
  "Erf": {
    shapes: [[3, 7]],
    graph: (g, [x]) => erf(g, x),
    reference: (x) => make(x.shape, (i) => erf64(at(x, i))),
  },
  "Softmax": {
    shapes: [[2, 3, 5]],
    graph: (g, [x]) => softmax(g, x),
    reference: softmax64,
  },
  "MultiHeadAttention": attentionOf(2, [4, 4]),
  "MultiHeadAttention across sequences": attentionOf(3, [2, 5]),
  "keptAttention()": keptAttentionOf(false),
  "keptAttention() with marks beside the keys": keptAttentionOf(true),
  "Transpose": {
    shapes: [[2, 3, 4]],
    graph: (g, [x]) => transpose(g, x, [2, 0, 1]),
    reference: (x) => transpose64(x, [2, 0, 1]),
  },
  "Reshape": {
    shapes: [[2, 6]],
    graph: (g, [x]) => reshape(g, x, [3, 4]),
    reference: (x) => ({ ...x, shape: [3, 4] }),
  },
  "Expand": {
    shapes: [[3, 1]],
    graph: (g, [x]) =>
      expand(g, x, { edges: g.ints([2, 3, 4]), shape: [2, 3, 4] }),
    reference: (x) => make([2, 3, 4], (i) => at(x, i)),
  },
  "Split, one part of which is not used": {
    shapes: [[6, 2]],
    graph(g, [x]) {
      const part = { dtype: "f32", shape: [2, 2] } as const;
      const [a, , c] = g.nodes("Split", [x], [part, part, part], {
        attributes: { axis: { int: 0 }, num_outputs: { int: 3 } },
      });
      return multiply(g, a, c);
    },
    reference: (x) =>
      make([2, 2], ([i, j]) => at(x, [i, j]) * at(x, [i + 4, j])),
  },
  "Concat": {
    shapes: [[2, 1, 2], [2, 3, 2]],
    graph: (g, parts) => concat(g, parts, 1),
    reference: (a, b) =>
      make(
        [2, 4, 2],
        ([n, i, j]) => i < 1 ? at(a, [n, i, j]) : at(b, [n, i - 1, j]),
      ),
  },
  "Gather with a row taken twice": {
    shapes: [[4, 3]],
    graph: (g, [x]) =>
      g.node("Gather", [x, g.ints([2, 0, 2])], { dtype: "f32", shape: [3, 3] }),
    reference: (x) => make([3, 3], ([i, j]) => at(x, [[2, 0, 2][i], j])),
  },
  "DepthToSpace, channels first": depthToSpace("CRD"),
  "DepthToSpace, channels last": depthToSpace("DCR"),
};

test.each(Object.entries(CASES))(
  "differentiate() %s agrees with finite differences",
  async (_, { shapes, graph, reference }) => {
    const random = createRandom(7);
    // rounded, so that both sides see the same numbers
    const inputs = shapes.map((shape) =>
      make(shape, () => Math.fround(random.normal()))
    );
    const y = reference(...inputs);
    const weights = y.data.map(() => Math.fround(random.normal()));
    const { value, gradients } = await gradientsOf(graph, inputs, weights);
    expect(distance(value, y.data)).toBeLessThan(1e-5);
    inputs.forEach((_, of) => {
      const wanted = differences(reference, inputs, { weights, of });
      expect(distance(gradients[of], wanted), `input ${of}`)
        .toBeLessThan(1e-4);
    });
  },
);

/** Value and gradients of Σ weights · f(inputs), by the runtime. */
async function gradientsOf(
  graph: Case["graph"],
  inputs: readonly Tensor64[],
  weights: Float64Array,
) {
  const g = buildGraph("rule");
  const values = inputs.map(({ shape }, i) => g.input(`x${i}`, "f32", shape));
  const y = graph(g, values);
  const columns = g.input("weights", "f32", [weights.length, 1]);
  const row = reshape(g, y, [1, weights.length]);
  const loss = matmul(g, row, columns);
  const found = differentiate(g, loss, values);
  g.output("y", y);
  found.forEach((d, i) => d && g.output(`d${i}`, d));
  const network = await loadGraph(
    Uint8Array.from([...encodeModel(g.finish()).model].flatMap((p) => [...p])),
  );
  const results = await network.run({
    weights: { data: new Float32Array(weights), shape: [weights.length, 1] },
    ...Object.fromEntries(
      inputs.map((
        { data, shape },
        i,
      ) => [`x${i}`, { data: new Float32Array(data), shape }]),
    ),
  });
  await network.close();
  return {
    value: results.y.data,
    gradients: inputs.map((_, i) => results[`d${i}`].data),
  };
}

/** Largest difference as a part of the largest value. */
function distance(ours: Float32Array, theirs: Float64Array): number {
  expect(ours.length).toBe(theirs.length);
  const range = Math.max(...theirs.map(Math.abs));
  return Math.max(...theirs.map((v, i) => Math.abs(v - ours[i]))) / range;
}

test("keptAttention() computes no gradient of what is given of keys", () => {
  const count = (hasMarks: boolean) => {
    const { shapes, graph } = keptAttentionOf(hasMarks);
    const g = buildGraph("rule");
    const values = shapes.map((shape, i) => g.input(`x${i}`, "f32", shape));
    const y = graph(g, values);
    const start = g.added.length;
    differentiate(
      g,
      matmul(
        g,
        reshape(g, y, [1, 24]),
        g.input("weights", "f32", [24, 1]),
      ),
      values,
    );
    // of all products only that of keys has a depth of 2 with marks
    return g.added.slice(start).filter(({ op, outputs }) =>
      op === "FusedMatMul" && g.find(outputs[0])?.shape.at(-1) === 3
    ).length;
  };
  expect(count(true)).toBe(count(false) - 1);
});
