/**
 * The worker that runs a network in the browser: WebGPU where there is one,
 * else WebAssembly. It is loaded only when it is asked for.
 *
 * @module
 */
import { loadWebEncoder } from "../../../shared/models/encoder_web.ts";
import type { Encoder } from "../../../shared/pipeline/encoder.ts";
import type { SegmentInput } from "../../../shared/pipeline/job.ts";
import { previewImage } from "../../../shared/pipeline/preview.ts";
import type { ModelJson } from "../../../shared/schema/model.ts";
import type { SegmentParameters } from "../../../shared/schema/parameters.ts";
import { openCore } from "./core.ts";
import { offer } from "./rpc.ts";

let encoder: Encoder | undefined;

/** Load a model; one that was loaded before is let go. */
async function load(
  { name, json, graph, data, size, gpu }: {
    name: string;
    json: ModelJson;
    graph: Uint8Array<ArrayBuffer>;
    data?: Uint8Array<ArrayBuffer>;
    size?: Uint8Array<ArrayBuffer>;
    /** Try WebGPU first. */
    gpu: boolean;
  },
) {
  await encoder?.close();
  encoder = undefined;
  const reason = gpu ? await findNoGpu() : undefined;
  const bytes = {
    name,
    json,
    graph,
    ...(data ? { data } : {}),
    ...(size ? { size } : {}),
  };
  const options = {
    wasmPaths: new URL("/assets/", globalThis.location.href).href,
    threads: globalThis.crossOriginIsolated
      ? Math.min(4, navigator.hardwareConcurrency)
      : 1,
  };
  const isTried = gpu && reason === undefined;
  encoder = await loadWebEncoder(bytes, {
    providers: isTried ? ["webgpu", "wasm"] : ["wasm"],
    ...options,
  });
  const { model, digest, provider } = encoder;
  return {
    model,
    digest,
    provider,
    ...(gpu && provider !== "webgpu"
      ? { reason: reason ?? "the network does not load there" }
      : {}),
  };
}

/** Why there is no WebGPU; undefined where there is. */
async function findNoGpu(): Promise<string | undefined> {
  if (!("gpu" in navigator)) return "this browser has none";
  const gpu = navigator.gpu as { requestAdapter(): Promise<unknown> };
  try {
    return await gpu.requestAdapter() === null
      ? "this computer has no adapter for it"
      : undefined;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

/** Segment an image here, at most `maxEdge` pixels long. */
async function run(
  { input, parameters, maxEdge }: {
    input: SegmentInput;
    parameters: SegmentParameters;
    maxEdge: number;
  },
) {
  if (encoder === undefined) throw new Error("No model is loaded yet");
  const core = await openCore();
  const { small, result } = await previewImage({ core, encoder }, input, {
    parameters,
    maxEdge,
  });
  const { planes: [plane], facts, warnings, run } = result;
  return {
    masks: plane.masks as Uint32Array<ArrayBuffer>,
    masksSize: plane.size,
    count: plane.count,
    flows: plane.flows as Float32Array<ArrayBuffer>,
    cellprob: plane.cellprob as Float32Array<ArrayBuffer>,
    flowsSize: plane.flowsSize,
    confidence: plane.confidence,
    emptyReason: plane.emptyReason,
    family: encoder.model.family,
    niter: facts.niter,
    diameter: facts.diameter === null ? null : facts.diameter / small.scale,
    diameterFrom: facts.diameterFrom,
    warnings: [...warnings],
    provider: run.provider,
    ms: run.timings.total,
  };
}

const handlers = { load, run };

/** What the worker offers. */
export type ModelHandlers = typeof handlers;

offer(handlers);
