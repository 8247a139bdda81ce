/** Arrays of the module between guard bytes, to see that kernels stay within. */
import { expect } from "vitest";
import type { Arena } from "../wasm/arena.ts";

/** The lengths at which a kernel of four lanes can go wrong. */
export const LENGTHS = [0, 1, 3, 4, 5, 8, 17];

const GUARD = 0xa5;
/** More than a vector, and such that the array is aligned to eight bytes only. */
const GUARDS = 40;

/** An array in the module's memory, for as long as the arena's scope. */
export interface Guarded {
  readonly at: number;
  /** Check that nothing beside the array was written. */
  check(): void;
}

/** Reserve `bytes` between guards; they are filled with a pattern. */
export function reserveGuarded(arena: Arena, bytes: number): Guarded {
  const start = arena.reserve(bytes + 2 * GUARDS);
  arena.viewU8(start, bytes + 2 * GUARDS).fill(GUARD);
  return {
    at: start + GUARDS,
    check() {
      const all = arena.viewU8(start, bytes + 2 * GUARDS);
      for (const part of [all.subarray(0, GUARDS), all.subarray(-GUARDS)]) {
        expect(part.every((byte) => byte === GUARD)).toBe(true);
      }
    },
  };
}

/** Put an array between guards. */
export function putGuarded(
  arena: Arena,
  array: Float32Array | Float64Array | Uint32Array | Int32Array | Uint8Array,
): Guarded {
  const guarded = reserveGuarded(arena, array.byteLength);
  arena.viewU8(guarded.at, array.byteLength).set(
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  );
  return guarded;
}
