/**
 * What every microscope adds to a drawn scene: defocus, uneven light,
 * vignetting, noise, dust, and the camera's range.
 *
 * @module
 */
import type { Size2D } from "../../ndarray.ts";
import type { Random } from "../random.ts";
import { square } from "../shapes.ts";
import { outlineBlob } from "./outlines.ts";
import { drawNoise, soften } from "./planes.ts";
import { drawPoint, forEachInside } from "./sketch.ts";

/** Ranges from which one image's faults are drawn. */
export interface Faults {
  /** Standard deviation of the defocus, pixels. */
  readonly blur: readonly [number, number];
  /** Deviation of the noise of a white pixel, part of the range. */
  readonly noise: readonly [number, number];
  /** How much darker the worst corner is, 0–1. */
  readonly shade: readonly [number, number];
}

/** Turn planes of light (0–1) into bytes, H×W×C u8. */
export function expose(
  random: Random,
  planes: readonly Float32Array[],
  size: Size2D,
  faults: Faults,
): Uint8Array {
  const light = drawLight(random, size, random.between(...faults.shade));
  const sigma = random.between(...faults.blur);
  const strength = random.between(...faults.noise);
  // shot noise grows with the light, a camera's own does not
  const own = random.uniform() * 0.5;
  const grain = random.uniform() < 0.3 ? random.between(0.5, 1) : 0;
  const out = new Uint8Array(light.length * planes.length);
  planes.forEach((plane, c) => {
    const seen = soften(plane, size, sigma);
    let noise = drawNoise(random, light.length);
    // a scaled or compressed image has grains wider than a pixel
    if (grain > 0) noise = soften(noise, size, grain);
    for (let i = 0; i < light.length; i++) {
      const value = Math.max(0, seen[i] * light[i]);
      const deviation = strength * (own + (1 - own) * Math.sqrt(value));
      const byte = Math.round(255 * (value + deviation * noise[i]));
      out[i * planes.length + c] = byte < 0 ? 0 : byte > 255 ? 255 : byte;
    }
  });
  return out;
}

/** A gradient and a vignette: 1 at the brightest, 1 − shade at the darkest. */
function drawLight(
  random: Random,
  { height, width }: Size2D,
  shade: number,
): Float32Array {
  const [uy, ux] = random.direction();
  const vignette = random.uniform();
  const out = new Float32Array(height * width);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [v, u] = [2 * y / height - 1, 2 * x / width - 1];
      const slope = (v * uy + u * ux + 1.5) / 3;
      const corner = (square(v) + square(u)) / 2;
      out[i] = 1 - shade * (slope + (corner - slope) * vignette);
    }
  }
  return out;
}

/**
 * Lay specks that are no cells over planes, in place.
 *
 * @param count  how many
 * @param range  of their radius, pixels
 * @param to     the light that each plane takes there
 */
export function addDust(
  random: Random,
  planes: readonly Float32Array[],
  { size, count, range, to }: {
    readonly size: Size2D;
    readonly count: number;
    readonly range: readonly [number, number];
    readonly to: readonly number[];
  },
): void {
  for (let k = 0; k < count; k++) {
    const speck = outlineBlob(random, {
      center: drawPoint(random, size),
      radius: random.between(...range),
      aspect: random.between(1, 2.5),
      direction: random.direction(),
      roughness: 0.3,
    });
    const share = random.between(0.3, 1);
    forEachInside(speck, size, (i) =>
      planes.forEach((plane, c) => {
        plane[i] += (to[c] - plane[i]) * share;
      }));
  }
}
