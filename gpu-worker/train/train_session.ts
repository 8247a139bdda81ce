/**
 * A training graph in the runtime: f32 tensors in, f32 tensors out.
 *
 * @module
 */
import * as ort from "onnxruntime-node";
import { encodeModel, type Graph } from "../../shared/graph/mod.ts";
import { explainFailure } from "../../shared/models/onnx_run.ts";
import type { NodeProvider } from "../encoder_node.ts";
import type { FloatTensor } from "./network.ts";

/**
 * Threads wait for the next node by spinning, for as long as a short node
 * takes; waking them up takes the system longer than such a node. It is bounded
 * since threads that spin starve each other beside a program that keeps all
 * processors busy. No result depends on it.
 */
const SPINNING = {
  "intra_op.allow_spinning": "1",
  "intra_op.spin_duration_us": "200",
};

/** A loaded graph. */
export interface TrainSession {
  /**
   * Run it.
   *
   * @param feeds  by name; what the graph does not take is left out
   * @param into   buffers that outputs are written to
   * @returns      outputs that have no buffer
   * @throws {ModelError} if the runtime fails
   */
  run(
    feeds: ReadonlyMap<string, FloatTensor>,
    into?: ReadonlyMap<string, FloatTensor>,
  ): Promise<Map<string, Float32Array>>;
  /** Free it. */
  close(): Promise<void>;
}

/** Where a graph runs. */
export interface SessionOptions {
  /** Default "cpu". Where a provider has no kernel, the processor's is used. */
  readonly provider?: NodeProvider;
  /** Threads of the processor; default: the runtime's choice. */
  readonly threads?: number;
  /**
   * File that the graph is written to as the runtime runs it, casts that it
   * added included; it is not optimized then.
   */
  readonly writtenTo?: string;
}

/**
 * Load a graph.
 *
 * @throws {ModelError} if the runtime refuses it
 */
export async function openSession(
  graph: Graph,
  { provider = "cpu", threads, writtenTo }: SessionOptions,
): Promise<TrainSession> {
  const failed = (cause: unknown) =>
    explainFailure("in training", provider, cause);
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(toBytes(graph), {
      executionProviders: provider === "cpu" ? ["cpu"] : [provider, "cpu"],
      ...(writtenTo === undefined ? { graphOptimizationLevel: "all" } : {
        graphOptimizationLevel: "disabled",
        optimizedModelFilePath: writtenTo,
      }),
      extra: { session: SPINNING },
      // planned as one block, a step of a small U-Net took 830 MB instead of
      // 515 MB, in the same time
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
  } catch (cause) {
    throw failed(cause);
  }
  const taken = new Set(session.inputNames);
  return {
    async run(feeds, into = new Map()) {
      const tensors = toTensors(
        [...feeds].filter(([name]) => taken.has(name)),
      );
      const fetches = Object.fromEntries(
        session.outputNames.map((name) => [name, null]),
      );
      try {
        const results = await session.run(tensors, {
          ...fetches,
          ...toTensors([...into]),
        });
        const rest = new Map<string, Float32Array>();
        for (const name of session.outputNames) {
          const data = results[name].data as Float32Array;
          const buffer = into.get(name)?.data;
          if (buffer === undefined) rest.set(name, data);
          // written in place, unless the runtime chose otherwise
          else if (buffer !== data) buffer.set(data);
        }
        return rest;
      } catch (cause) {
        throw failed(cause);
      }
    },
    close: () => session.release(),
  };
}

function toBytes(graph: Graph): Uint8Array {
  const { model } = encodeModel(graph, { externalAboveBytes: Infinity });
  const pieces = [...model];
  const bytes = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function toTensors(
  tensors: readonly (readonly [string, FloatTensor])[],
): Record<string, ort.Tensor> {
  return Object.fromEntries(
    tensors.map(([name, { shape, data }]) => [
      name,
      new ort.Tensor("float32", data, shape),
    ]),
  );
}
