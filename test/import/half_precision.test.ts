/** Imports in 16 bits: valid ONNX, near fp32, and clear where they cannot run. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadNodePromptModel } from "../../gpu-worker/prompt_model_node.ts";
import { loadGraph, type Runner } from "../../gpu-worker/run_graph.ts";
import { ModelError } from "../../shared/errors.ts";
import {
  buildGraph,
  cast,
  conv,
  decodeModel,
  encodeModel,
  type Graph,
  isFloat,
  isHalf,
  listDtypes,
  NO_BF16_KERNEL,
  typesOf,
} from "../../shared/graph/mod.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { explainLoading } from "../../shared/models/onnx_run.ts";
import { roundHalf } from "../train/half.ts";
import { MODELS, unpackModels } from "./models.ts";

/** What the runtime says where the types are right. */
const NONE = "Could not find an implementation";

let root: string;
beforeAll(() => {
  root = unpackModels();
});
afterAll(() => rmSync(root, { recursive: true }));

/** Import a case; its folder lies within the cases'. */
function convert(
  id: string,
  options: NonNullable<Parameters<typeof importModel>[2]>,
) {
  const folder = mkdtempSync(join(root, `${id}-`));
  const json = importModel(join(root, id, "checkpoint.pth"), folder, options);
  const graphs = json.networks.map(({ files: [{ name }] }) =>
    decodeModel(new Uint8Array(readFileSync(join(folder, name))))
  );
  return { folder, json, graphs };
}

/** Nodes whose inputs are of types that the operator does not take, or mixed. */
function findWrong(graph: Graph): string[] {
  const types = listDtypes(graph);
  return graph.nodes.flatMap(({ op, inputs }) => {
    // the scales of a resizing are f32 whatever is resized
    const given = (op === "Resize" ? inputs.slice(0, 1) : inputs)
      .flatMap((name) => types.get(name) ?? [])
      .filter((dtype) => isFloat({ dtype }));
    const isTaken = given.every((dtype) => typesOf(op).includes(dtype));
    return isTaken && new Set(given).size < 2 ? [] : [`${op} of ${given}`];
  });
}

/** Nodes that no provider has a kernel for. */
function findLacking(graph: Graph): string[] {
  const types = listDtypes(graph);
  return graph.nodes.flatMap(({ op, inputs: [first] }) =>
    NO_BF16_KERNEL.has(op) && types.get(first) === "bf16" ? [op] : []
  );
}

const HALVES = MODELS.flatMap((id) =>
  (["bf16", "fp16"] as const).map((precision) => [precision, id] as const)
);

test.each(HALVES)(
  "importModel() in %s writes types that ONNX takes: %s",
  async (precision, id) => {
    for (const attention of ["fused", "plain"] as const) {
      const { folder, json, graphs } = convert(id, { precision, attention });
      expect(graphs.flatMap(findWrong)).toEqual([]);
      expect(graphs.flatMap(findLacking)).toEqual([]);
      for (const { files: [{ name }] } of json.networks) {
        // the runtime checks types before it looks for kernels
        const reason = await loadGraph(join(folder, name)).then(
          async (runner) => void await runner.close(),
          (err: unknown) => String(err),
        );
        if (precision === "fp16") expect(reason).toBeUndefined();
        else expect(reason ?? NONE).toContain(NONE);
      }
    }
  },
);

test("importModel() in bf16 leaves convolutions in fp32, and says so", () => {
  const halves = (graph: Graph) => {
    const types = listDtypes(graph);
    return new Set(
      graph.nodes.filter(({ inputs }) =>
        isHalf({ dtype: types.get(inputs[0]) ?? "f32" })
      ).map(({ op }) => op),
    );
  };
  const sam = convert("cellpose_sam_0", { precision: "bf16" });
  expect(sam.json).toMatchObject({ precision: "bf16", inFp32: { Conv: 2 } });
  const found = halves(sam.graphs[0]);
  for (const op of ["Gemm", "MatMul", "MultiHeadAttention", "Gelu"]) {
    expect(found).toContain(op);
  }
  expect(found).not.toContain("Conv");
  const cpnet = convert("cellpose_unet_0", { precision: "bf16" });
  expect(cpnet.json.precision).toBe("bf16");
  expect(halves(cpnet.graphs[0])).toEqual(new Set(["Cast", "Gemm", "Reshape"]));
  // nothing is left to be bf16 in a network of convolutions
  const plain = convert("unet_0", { precision: "bf16" });
  const wide = convert("unet_0", {});
  expect(plain.json).toMatchObject({
    precision: "fp32",
    inFp32: { Conv: 11, ConvTranspose: 2 },
    sha256: wide.json.sha256,
  });
  for (const precision of ["fp32", "fp16"] as const) {
    const { json } = convert("cellpose_sam_0", { precision });
    expect(json.precision).toBe(precision);
    expect(json).not.toHaveProperty("inFp32");
  }
});

test.each(MODELS)(
  "importModel() in bf16 stays within 2e-2 of fp32's range: %s",
  async (id) => {
    const input = readInput(id);
    const [wide, half] = await Promise.all(
      (["fp32", "bf16"] as const).map(async (precision) => {
        const [graph] = convert(id, { precision }).graphs;
        return await runAll(roundHalf(graph), input);
      }),
    );
    for (const [name, values] of Object.entries(wide)) {
      const range = Math.max(...values) - Math.min(...values);
      expect(distance(half[name], values), name).toBeLessThan(2e-2 * range);
    }
    // every value of 16 bits was rounded, so something differs
    const isSame = Object.entries(wide)
      .every(([name, values]) => distance(half[name], values) === 0);
    expect(isSame).toBe(id.startsWith("unet"));
  },
);

test("loadNodeEncoder() says what to do with bf16 on a processor", async () => {
  const { folder } = convert("cellpose_sam_0", { precision: "bf16" });
  const loading = loadNodeEncoder(folder, { providers: ["cpu"] });
  await expect(loading).rejects.toBeInstanceOf(ModelError);
  await expect(loading).rejects.toThrow(
    /cpu has no \w+ in bf16; use a provider that has \(bf16: cuda\), or import the checkpoint again with --precision fp32/,
  );
  const sam = convert("sam_0", { precision: "bf16" }).folder;
  await expect(loadNodePromptModel(sam)).rejects.toThrow(
    /^Model .*: cpu has no \w+ in bf16/,
  );
});

test("explainLoading() knows files of convolutions in bf16", async () => {
  const model = { name: "old", precision: "bf16" };
  const g = buildGraph("old");
  const x = g.input("x", "f32", [1, 1, 2, 2]);
  g.output("y", conv(g, x, { weight: cast(g, x, "f32") }));
  const graph = g.finish();
  // as the importer wrote them once
  const half = {
    ...graph,
    inputs: [{ ...graph.inputs[0], dtype: "bf16" as const }],
    outputs: [{ ...graph.outputs[0], dtype: "bf16" as const }],
  };
  const cause = await InferenceSession.create(toBytes(half)).catch((err) =>
    err
  );
  expect(explainLoading(model, "cpu", cause).message).toBe(
    "Model old: ONNX has no Conv in bf16, which older versions wrote; import the checkpoint again",
  );
  // other failures stay what they are
  expect(explainLoading(model, "cpu", new Error("no such file")).message)
    .toBe("Model old: cannot run on cpu: no such file");
});

test("GraphBuilder.node() refuses types that ONNX does not take", () => {
  const g = buildGraph("wrong");
  const x = cast(g, g.input("x", "f32", [1, 1, 4, 4]), "bf16");
  expect(() => g.node("MaxPool", [x], x)).toThrow(
    /MaxPool of Cast_0 \(bf16\): it takes f32, f16; cast it before/,
  );
  expect(() => g.node("NoSuchOperator", [x], x)).toThrow(/it takes f32/);
  expect(g.node("Relu", [x], x).dtype).toBe("bf16");
});

/** The first input of a case: what its first network takes. */
function readInput(id: string) {
  const { data, shape } = decodeNpy(readFileSync(join(root, id, "x.npy")));
  return { data: data as Float32Array, shape };
}

async function runAll(graph: Graph, x: ReturnType<typeof readInput>) {
  let runner: Runner | undefined;
  try {
    runner = await loadGraph(toBytes(graph));
    const results = await runner.run({ x });
    return Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, data]),
    );
  } finally {
    await runner?.close();
  }
}

function toBytes(graph: Graph): Uint8Array {
  const pieces = [
    ...encodeModel(graph, { externalAboveBytes: Infinity }).model,
  ];
  const bytes = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  pieces.reduce((at, piece) => (bytes.set(piece, at), at + piece.length), 0);
  return bytes;
}

function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - b[i])),
    0,
  );
}
