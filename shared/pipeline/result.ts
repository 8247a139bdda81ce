/**
 * What a segmentation gives, and `result.json`, what is told of it.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Regions } from "../../wasm/mod.ts";
import { digestValue } from "./digest.ts";
import type { Encoder } from "./encoder.ts";
import type { Warning } from "./warnings.ts";

/** Milliseconds of each stage. */
export interface Timings {
  /** Finding the diameter before. */
  estimate: number;
  normalize: number;
  cut: number;
  encode: number;
  blend: number;
  resize: number;
  masks: number;
  measure: number;
  total: number;
}

/** What is known of the cells of one plane. */
export interface PlaneFacts {
  readonly count: number;
  readonly size: Size2D;
  /** One row a cell. */
  readonly cells: Regions;
  /** Why there is no cell. */
  readonly emptyReason?: string;
}

/** One image, or one plane of a stack. */
export interface PlaneResult extends PlaneFacts {
  /** H×W u32, 0 background, 1..count in raster order */
  readonly masks: Uint32Array;
  /**
   * 2×H×W f32, unit scale; at the network's size without `resample`; empty
   * where the network gives none
   */
  readonly flows: Float32Array;
  /** H×W f32, logit */
  readonly cellprob: Float32Array;
  /** Size of flows and cellprob. */
  readonly flowsSize: Size2D;
  /** Of each cell, 0–1, where it was measured. */
  readonly confidence?: Float32Array;
}

/** Facts of the run that are the same for the same input. */
export interface Facts {
  /** Diameter used, pixels; `null`: no scaling. */
  readonly diameter: number | null;
  readonly diameterFrom: string;
  /** Median diameter of the cells found, pixels; 0 without cells. */
  readonly medianDiameter: number;
  readonly niter: number;
  /** Network pixels a pixel. */
  readonly scale: number;
  readonly axes: string;
  readonly axesInferred: boolean;
  /** µm a pixel, where known. */
  readonly pixelSize: number | null;
  readonly tiles: number;
  readonly skippedTiles: number;
  /** Share of the paths that came to rest; absent where not measured. */
  readonly settled?: number;
}

/** How it ran; may differ from run to run. */
export interface RunFacts {
  readonly provider: string;
  readonly batchSize: number;
  readonly batchHalvings: number;
  readonly timings: Timings;
}

/** A whole segmentation. */
export interface SegmentResult<P extends PlaneFacts = PlaneResult> {
  /** One for an image; one a plane for a stack, each with labels of its own. */
  readonly planes: readonly P[];
  /** Size of each. */
  readonly size: Size2D;
  /** Cells of all planes. */
  readonly count: number;
  readonly facts: Facts;
  readonly warnings: readonly Warning[];
  readonly run: RunFacts;
}

/** What identifies a result, before anything is computed. */
export interface ResultKey {
  /** SHA-256 of the file. */
  readonly input: string;
  /** SHA-256 of each model. */
  readonly models: readonly string[];
  readonly parameters: SegmentParameters;
  /** Version of the code that turns these into masks. */
  readonly core: string;
}

/**
 * Name a result: the same input, models, parameters and core have the same.
 *
 * @returns SHA-256, lower-case hex
 */
export function resultId(key: ResultKey): Promise<string> {
  return digestValue(key);
}

/** Describe a result for `result.json`; what may differ is under `run`. */
export async function describeResult(
  { facts, warnings, count, size, planes, run }: SegmentResult<PlaneFacts>,
  encoders: readonly Encoder[],
  key: ResultKey,
) {
  return {
    id: await resultId(key),
    input: { sha256: key.input, size },
    models: encoders.map(({ model, digest }) => ({
      name: model.name,
      family: model.family,
      sha256: digest,
      precision: model.precision,
      licence: model.licence,
    })),
    core: key.core,
    parameters: key.parameters,
    count,
    planes: planes.map(({ count, emptyReason }) => ({
      count,
      ...(emptyReason === undefined ? {} : { emptyReason }),
    })),
    facts,
    warnings,
    run,
  };
}

/** `result.json` */
export type ResultDescription = Awaited<ReturnType<typeof describeResult>>;
