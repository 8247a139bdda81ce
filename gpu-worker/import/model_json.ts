/**
 * What `model.json` says about a model.
 *
 * @module
 */
import type { Dim, Dtype } from "../../shared/graph/mod.ts";
import type { Network } from "./families/family.ts";

/** The whole of `model.json`. */
export interface ModelJson {
  readonly format: 1;
  readonly family: string;
  /** One network, or several that work together. */
  readonly networks: readonly NetworkJson[];
  readonly tile: Network["tile"];
  readonly channels: Network["channels"];
  /** Meaning of the last output channels. */
  readonly outputs: readonly string[];
  /** Pixels; null where the family has none. */
  readonly diameter: Network["diameter"];
  /** Of products with weights; norms, sums and ports stay fp32. */
  readonly precision: string;
  /** Products with weights that ONNX does not have in it, by operator. */
  readonly inFp32?: Readonly<Record<string, number>>;
  /** Masks beside those in fp32, where they were compared. */
  readonly accuracy?: Accuracy;
  /** Operator that carries attention. */
  readonly attention: string | null;
  /** Nodes of all networks. */
  readonly nodes: number;
  /** Digest of the written files: the model's identity. */
  readonly sha256: string;
  /** Of the weights, as told at the import; null if not told. */
  readonly licence: string | null;
  readonly provenance: {
    readonly file: string;
    readonly format: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly tensors: number;
    /** Keys that the network does not need. */
    readonly unused: readonly string[];
    readonly program: string;
    readonly version: string;
  };
}

/** Masks of a precision beside those of fp32, on the processor. */
export interface Accuracy {
  readonly against: "fp32";
  /** At which masks are the same cell. */
  readonly iou: number;
  readonly images: number;
  /** Planes that show a cell in either. */
  readonly counted: number;
  /** Mean over these, fp32's masks taken for the truth. */
  readonly meanAp: number;
  readonly cells: number;
  readonly cellsFp32: number;
  /** Time of the networks, both on this machine. */
  readonly encodeMs: number;
  readonly encodeMsFp32: number;
}

/** One network of a model. */
export interface NetworkJson {
  readonly name: string;
  /** The graph first, then its data file if it has one. */
  readonly files: readonly ModelFile[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: number;
  /** Constants that tuning leaves as they are; in fp32, of families it takes. */
  readonly fixed?: readonly string[];
}

/** A written file. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** An input or output. */
export interface Port {
  readonly name: string;
  readonly dtype: Dtype;
  /** Names stand for edges that may vary. */
  readonly shape: readonly Dim[];
}
