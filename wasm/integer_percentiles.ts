/**
 * Percentiles of images of 8 and 16 bits, from where their values lie.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkPercentiles } from "./normalize_options.ts";

/** Percentiles of integers; part of the core. */
export function integerPercentiles(arena: Arena) {
  /**
   * Find two percentiles of one channel of an image of 8 or 16 bits: those of
   * `findPercentiles`, several times as fast.
   *
   * @param image  the values as a file has them, planes or interleaved
   * @param place  the first value; values to the next; how many
   * @param ranks  percentiles, each 0–100
   * @returns      one f32 each
   * @throws {ArgumentError} if the place is empty or not within the image, or a
   *   rank is out of range
   *
   * Source: as `findPercentiles`. Differs: nothing.
   */
  function findIntegerPercentiles(
    image: Uint8Array | Uint16Array,
    { start, step, count }: {
      readonly start: number;
      readonly step: number;
      readonly count: number;
    },
    ranks: readonly [number, number],
  ): Float32Array {
    checkPercentiles(ranks);
    const isWithin = [start, step, count].every(Number.isInteger) &&
      start >= 0 && step >= 1 && count >= 1 && count < 2 ** 31 &&
      start + (count - 1) * step < image.length;
    if (!isWithin) {
      throw new ArgumentError(
        "place",
        `${count} values from ${start} at steps of ${step} do not lie within ${image.length}`,
      );
    }
    return arena.scope((kernels) => {
      const part = image.subarray(start, start + (count - 1) * step + 1);
      const at = arena.put(
        new Uint8Array(
          part.buffer,
          part.byteOffset,
          part.byteLength,
        ),
      );
      const out = arena.reserve(8);
      checkResult(
        kernels.integerPercentiles(
          out,
          at,
          count,
          step,
          image instanceof Uint16Array ? 1 : 0,
          ...ranks,
        ),
      );
      return arena.viewF32(out, 2).slice();
    });
  }

  return { findIntegerPercentiles };
}
