/**
 * Parts of example images, and outputs beside recorded ones.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { decodeImage } from "../../shared/image/decode.ts";
import type { DecodedArray } from "../../shared/image/decoded.ts";

/** The upper left part of an image of `examples/`. */
export async function readExample(
  name: string,
  [height, width]: readonly [number, number],
): Promise<Pick<DecodedArray, "data" | "shape" | "axes">> {
  const file = new URL(`../../examples/${name}`, import.meta.url);
  const { data, shape, axes } = await decodeImage(
    new Uint8Array(readFileSync(file)),
  );
  const channels = axes === "YXC" ? shape[2] : 1;
  const part = data.slice(0, height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = y * shape[1] * channels;
    const row = data.subarray(from, from + width * channels);
    part.set(row, y * width * channels);
  }
  const cut = [height, width, ...shape.slice(2)];
  return { data: part, shape: cut, axes };
}

/** Every step-th row's every step-th value of a plane. */
export function thin(
  plane: Float32Array,
  { height, width, step }: { height: number; width: number; step: number },
): number[] {
  const kept: number[] = [];
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) kept.push(plane[y * width + x]);
  }
  return kept;
}

/** Largest difference from a recorded array as a share of its range. */
export function relativeError(
  ours: readonly number[],
  recorded: { readonly data: ArrayLike<number | bigint> },
): number {
  const theirs = Float32Array.from(recorded.data as ArrayLike<number>);
  expect(ours).toHaveLength(theirs.length);
  const largest = ours.reduce(
    (max, v, i) => Math.max(max, Math.abs(v - theirs[i])),
    0,
  );
  const low = theirs.reduce((a, b) => Math.min(a, b));
  const high = theirs.reduce((a, b) => Math.max(a, b));
  return largest / (high - low);
}
