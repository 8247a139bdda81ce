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
    write: (at, part) => values.set(part, at),
  };
}
