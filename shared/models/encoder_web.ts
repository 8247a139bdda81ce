/**
 * Networks on onnxruntime-web: WebGPU or WebAssembly, in pages, at the edge,
 * in Deno.
 *
 * @module
 */
import * as ort from "onnxruntime-web";
import { ModelError } from "../errors.ts";
import { digestBytes } from "../pipeline/digest.ts";
import type { Encoder, Provider } from "../pipeline/encoder.ts";
import { describeModel, type ModelJson } from "../schema/model.ts";
import { explainLoading, runBatch, runSize } from "./onnx_run.ts";

/** Providers that this runtime has, best first. */
export const PROVIDERS = ["webgpu", "wasm"] as const;

/** A model in memory. */
export interface ModelBytes {
  readonly name: string;
  readonly json: ModelJson;
  /** The graph's file. */
  readonly graph: Uint8Array<ArrayBuffer>;
  /** The data file, if it has one. */
  readonly data?: Uint8Array<ArrayBuffer>;
  /** The size model's graph, if there is one and diameters are to be told. */
  readonly size?: Uint8Array<ArrayBuffer>;
}

/** How a model is loaded. */
export interface WebEncoderOptions {
  /** Tried in this order; default: all, best first. */
  readonly providers?: readonly typeof PROVIDERS[number][];
  /** Where the runtime's own `.wasm` and `.mjs` files lie; default: its CDN. */
  readonly wasmPaths?: string;
  /** Threads; more than 1 need cross-origin isolation in pages. */
  readonly threads?: number;
}

/**
 * Load a model from its bytes; the digests are checked.
 *
 * @throws {ModelError} if the bytes are not the model's or no provider works
 */
export async function loadWebEncoder(
  { name, json, graph, data, size }: ModelBytes,
  { providers = PROVIDERS, wasmPaths, threads }: WebEncoderOptions = {},
): Promise<Encoder> {
  const model = describeModel(json, name);
  if (model === undefined) {
    throw new ModelError(name, `family ${json.family} is not known`);
  }
  const [network] = json.networks;
  const sizeNetwork = json.networks.find((each) => each.name === "size");
  const files = [
    ...network.files.map((file, i) => [file, [graph, data][i]] as const),
    ...(size && sizeNetwork ? [[sizeNetwork.files[0], size] as const] : []),
  ];
  for (const [file, bytes] of files) {
    if (!bytes || await digestBytes(bytes) !== file.sha256) {
      throw new ModelError(name, `${file.name} is not what was imported`);
    }
  }
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  if (threads !== undefined) ort.env.wasm.numThreads = threads;

  const reasons: string[] = [];
  for (const provider of providers) {
    try {
      const session = await ort.InferenceSession.create(graph, {
        executionProviders: [provider],
        graphOptimizationLevel: "all",
        logSeverityLevel: 4,
        ...(data
          ? { externalData: [{ path: network.files[1].name, data }] }
          : {}),
      });
      const run = { session, network, model, provider };
      // a product of some hundred numbers is not worth a device
      const sizeSession = size && sizeNetwork
        ? await ort.InferenceSession.create(size, {
          executionProviders: ["wasm"],
          logSeverityLevel: 4,
        })
        : undefined;
      return createEncoder(run, { digest: json.sha256, sizeSession });
    } catch (err) {
      reasons.push(explainLoading(model, provider, err).message);
    }
  }
  throw new ModelError(name, reasons.join("; "));
}

function createEncoder(
  { session, ...facts }: {
    session: ort.InferenceSession;
    network: ModelJson["networks"][number];
    model: NonNullable<ReturnType<typeof describeModel>>;
    provider: Provider;
  },
  { digest, sizeSession }: {
    digest: string;
    sizeSession: ort.InferenceSession | undefined;
  },
): Encoder {
  type Session = Parameters<typeof runBatch<ort.Tensor>>[0]["session"];
  const run = {
    ...facts,
    session: session as Session,
    createTensor: (data: Float32Array, dims: number[]) =>
      new ort.Tensor("float32", data, dims),
  };
  return {
    model: facts.model,
    digest,
    provider: facts.provider,
    encode: (batch) => runBatch(run, batch),
    ...(sizeSession
      ? {
        estimateDiameter: (style: Float32Array) =>
          runSize({ ...run, session: sizeSession as Session }, style),
      }
      : {}),
    async close() {
      await session.release();
      await sizeSession?.release();
    },
  };
}
