/**
 * Values that are read and written in parts: an array, or a file.
 *
 * @module
 */

/** Element types of a store. */
export type Stored = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Numbered values, read and written in parts; what is not written is 0. */
export interface Store<T extends Stored> {
  /** Copy values from a place on. */
  read(at: number, length: number): T;
  /** Replace values from a place on. */
  write(
    at: number,
    values: T extends Float32Array ? Float32Array : Uint32Array,
  ): void;
}
