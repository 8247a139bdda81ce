/**
 * Networks on onnxruntime-node: CUDA, WebGPU or the processor, whichever
 * works first.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { freemem } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import * as ort from "onnxruntime-node";
import { ModelError } from "../shared/errors.ts";
import {
  explainLoading,
  runBatch,
  runSize,
} from "../shared/models/onnx_run.ts";
import type {
  DeviceMemory,
  Encoder,
  Provider,
} from "../shared/pipeline/encoder.ts";
import { openModelFolder } from "./model_folder.ts";

const require = createRequire(import.meta.url);

/** Providers that this runtime has, best first. */
export const PROVIDERS = ["cuda", "webgpu", "cpu"] as const;

/** A provider of this runtime. */
export type NodeProvider = typeof PROVIDERS[number];

/** How a model is loaded. */
export interface NodeEncoderOptions {
  /** Tried in this order; default: all, best first. */
  readonly providers?: readonly NodeProvider[];
  /** Threads of the processor; default: the runtime's choice. */
  readonly threads?: number;
  /**
   * Other work waits for the processor between two batches; default false.
   * Threads then sleep at once, which costs a batch of 15 ms about 1 ms, where
   * they would keep a core from the others for as long as that.
   */
  readonly isShared?: boolean;
}

/** An encoder, and why better providers are not in use. */
export interface NodeEncoder extends Encoder {
  readonly passedOver: readonly {
    readonly provider: Provider;
    readonly reason: string;
  }[];
}

/**
 * Load a model from its folder.
 *
 * @param folder   holds model.json and what it names; digests are checked
 * @param options  providers to try, threads
 * @throws {ModelError} if the folder is broken or no provider works
 */
export async function loadNodeEncoder(
  folder: string,
  { providers = PROVIDERS, threads, isShared = false }: NodeEncoderOptions = {},
): Promise<NodeEncoder> {
  const { model, json, digest, graph } = await openModelFolder(folder);
  const size = json.networks.find(({ name }) => name === "size");
  const passedOver: { provider: Provider; reason: string }[] = [];
  for (const provider of providers) {
    const missing = findMissing(provider);
    if (missing !== undefined) {
      passedOver.push({ provider, reason: missing });
      continue;
    }
    try {
      const session = await ort.InferenceSession.create(graph, {
        executionProviders: [provider],
        graphOptimizationLevel: "all",
        logSeverityLevel: 4,
        ...(isShared
          ? { extra: { session: { "intra_op.allow_spinning": "0" } } }
          : {}),
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      });
      const run = {
        session: session as Parameters<
          typeof runBatch<ort.Tensor>
        >[0]["session"],
        network: json.networks[0],
        model,
        provider,
        createTensor: (data: Float32Array, dims: number[]) =>
          new ort.Tensor("float32", data, dims),
      };
      const sizeSession = size && await ort.InferenceSession.create(
        join(folder, size.files[0].name),
        { executionProviders: ["cpu"], logSeverityLevel: 4 },
      );
      return {
        model,
        digest,
        provider,
        passedOver,
        encode: (batch) => runBatch(run, batch),
        ...(sizeSession
          ? {
            estimateDiameter: (style: Float32Array) =>
              runSize({
                ...run,
                session: sizeSession as unknown as typeof run.session,
              }, style),
          }
          : {}),
        measureMemory: () => measureMemory(provider),
        async close() {
          await session.release();
          await sizeSession?.release();
        },
      };
    } catch (err) {
      const { message } = explainLoading(model, provider, err);
      passedOver.push({ provider, reason: message });
    }
  }
  throw new ModelError(
    model.name,
    `no provider works: ${passedOver.map(({ reason }) => reason).join("; ")}`,
  );
}

/**
 * What a provider lacks on this machine; the runtime itself would write about
 * it on the standard error.
 */
export function findMissing(provider: NodeProvider): string | undefined {
  if (process.platform !== "linux") return undefined;
  if (provider === "cuda") {
    const folder = dirname(require.resolve("onnxruntime-node/package.json"));
    const library = join(
      folder,
      `bin/napi-v6/linux/${process.arch}/libonnxruntime_providers_cuda.so`,
    );
    return existsSync(library)
      ? undefined
      : `cuda: there is no ${
        basename(library)
      } beside onnxruntime-node; its install script fetches it`;
  }
  if (provider === "webgpu" && !existsSync("/dev/dri")) {
    return "webgpu: there is no graphics device (/dev/dri)";
  }
  return undefined;
}

async function measureMemory(provider: NodeProvider): Promise<DeviceMemory> {
  if (provider !== "cuda") {
    return { used: process.memoryUsage().rss, free: freemem() };
  }
  const { stdout } = await promisify(execFile)("nvidia-smi", [
    "--query-gpu=memory.used,memory.free",
    "--format=csv,noheader,nounits",
  ]);
  const [used, free] = stdout.split("\n")[0].split(",").map(Number);
  return { used: used * 2 ** 20, free: free * 2 ** 20 };
}
