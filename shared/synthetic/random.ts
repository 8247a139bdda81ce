/**
 * Seeded random numbers in integer arithmetic: the same sequence everywhere.
 *
 * Nothing here, nor in the generator, uses sine, cosine, exp or log: their last
 * bits differ between engines, and a scene must not.
 *
 * @module
 */

/** A stream of random numbers. */
export interface Random {
  /** In [0, 1), a multiple of 2^−32. */
  uniform(): number;
  /** In [low, high). */
  between(low: number, high: number): number;
  /** An integer in [0, count). */
  below(count: number): number;
  /** A unit vector (y, x) of any direction. */
  direction(): [y: number, x: number];
  /** Mean 0, deviation 1, within ±6: a sum of 12 uniform numbers. */
  normal(): number;
}

/**
 * Start a stream.
 *
 * @param seeds  any integers; every combination is a stream of its own
 *
 * Source: sfc32 (Doty-Humphrey, PractRand), seeded by mixing as in MurmurHash3.
 */
export function createRandom(...seeds: number[]): Random {
  const state = Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, 1);
  for (const seed of seeds) {
    state[0] ^= mix(seed >>> 0);
    state[1] ^= mix(Math.floor(seed / 2 ** 32) >>> 0);
    for (let k = 0; k < 4; k++) step(state);
  }
  for (let k = 0; k < 12; k++) step(state);

  const uniform = () => step(state) / 2 ** 32;
  return {
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    below: (count) => Math.floor(uniform() * count),
    direction() {
      // a point of the disc, moved to the circle
      for (;;) {
        const y = 2 * uniform() - 1;
        const x = 2 * uniform() - 1;
        const square = y * y + x * x;
        if (square > 1 || square < 1e-4) continue;
        const length = Math.sqrt(square);
        return [y / length, x / length];
      }
    },
    normal() {
      let sum = -6;
      for (let k = 0; k < 12; k++) sum += uniform();
      return sum;
    },
  };
}

function step(state: Uint32Array): number {
  const a = state[0];
  const b = state[1];
  const c = state[2];
  const counter = state[3];
  const out = (a + b + counter) >>> 0;
  state[3] = counter + 1;
  state[0] = b ^ b >>> 9;
  state[1] = c + (c << 3);
  state[2] = (c << 21 | c >>> 11) + out;
  return out;
}

function mix(value: number): number {
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  value = Math.imul(value ^ value >>> 13, 0xc2b2ae35);
  return (value ^ value >>> 16) >>> 0;
}
