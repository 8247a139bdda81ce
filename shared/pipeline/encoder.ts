/**
 * What runs a network on tiles; the pipeline knows no ONNX runtime.
 *
 * @module
 */
import type { ModelInfo } from "../schema/model.ts";

/** Where a network runs. */
export type Provider = "cuda" | "webgpu" | "cpu" | "wasm" | "fake";

/** Tiles for the network. */
export interface TileBatch {
  /** N×C×H×W f32 */
  readonly data: Float32Array;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** What the network makes of a batch. */
export interface EncodedBatch {
  /**
   * N×K×H×W f32; the last three planes are dY, dX (5× unit scale), cellprob;
   * of semantic networks one logit a class
   */
  readonly outputs: Float32Array;
  /** N×S f32, of networks that have one: the style of each tile */
  readonly styles?: Float32Array;
  /**
   * Time of the device that this batch took, ms; none: all of the call. Calls
   * that share a device wait for one another.
   */
  readonly encodeMs?: number;
}

/** Memory of the device that the network runs on, bytes. */
export interface DeviceMemory {
  readonly used: number;
  readonly free: number;
}

/** A model that is loaded, and where. */
export interface Encoder {
  readonly model: ModelInfo;
  /** SHA-256 of the model's bytes, lower-case hex. */
  readonly digest: string;
  /** The provider in use. */
  readonly provider: Provider;
  /**
   * Run the network on a batch.
   *
   * @throws {ModelError} with `isOutOfMemory` where a smaller batch may fit
   */
  encode(batch: TileBatch): Promise<EncodedBatch>;
  /**
   * Estimate a diameter, pixels, where the model has a size model.
   *
   * @param style  S f32; its length does not matter
   */
  estimateDiameter?(style: Float32Array): Promise<number>;
  /** Measure the device's memory, where it can be; else the batch is fixed. */
  measureMemory?(): Promise<DeviceMemory>;
  /** Free what the model holds. */
  close(): Promise<void>;
}
