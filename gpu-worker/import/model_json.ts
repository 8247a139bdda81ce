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

/** One network of a model. */
export interface NetworkJson {
  readonly name: string;
  /** The graph first, then its data file if it has one. */
  readonly files: readonly ModelFile[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: number;
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
