/**
 * Stores in memory.
 *
 * @module
 */
import type { Store, Stored } from "../../wasm/mod.ts";

/** A store over an array, which it shares. */
export function arrayStore<T extends Stored>(values: T): Store<T> {
  return {
    read: (at, length) => values.slice(at, at + length) as T,
    readInto: (at, out) => out.set(values.subarray(at, at + out.length)),
    write: (at, part) => values.set(part, at),
  };
}

/** Makes stores; what is not written is 0. */
export interface StoreMaker {
  createFloats(length: number): Store<Float32Array<ArrayBuffer>>;
  createLabels(length: number): Store<Uint32Array<ArrayBuffer>>;
}

/** Makes stores in memory. */
export const IN_MEMORY: StoreMaker = {
  createFloats: (length) => arrayStore(new Float32Array(length)),
  createLabels: (length) => arrayStore(new Uint32Array(length)),
};
