/**
 * Values that are read and written in parts: an array, or a file.
 *
 * @module
 */

import type { Arena } from "./arena.ts";

/** Element types of a store. */
export type Stored = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Numbered values, read and written in parts; what is not written is 0. */
export interface Store<T extends Stored> {
  /** Copy values from a place on. */
  read(at: number, length: number): T;
  /** The same into an array that is there: no garbage. */
  readInto(
    at: number,
    out: T extends Float32Array ? Float32Array : Uint32Array,
  ): void;
  /** Replace values from a place on. */
  write(
    at: number,
    values: T extends Float32Array ? Float32Array : Uint32Array,
  ): void;
}

/** Copy values of a store into the module's memory. */
export function putStored(
  arena: Arena,
  store: Store<Uint32Array<ArrayBuffer>>,
  { at, length }: { readonly at: number; readonly length: number },
): number {
  const place = arena.reserve(length * 4);
  store.readInto(at, arena.viewU32(place, length));
  return place;
}
