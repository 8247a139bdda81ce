/**
 * What a kind of training scene is.
 *
 * @module
 */
import type { Size2D } from "../../ndarray.ts";
import type { Random } from "../random.ts";
import type { Faults } from "./camera.ts";
import type { Cells } from "./sketch.ts";

/** A scene as light, before the camera. */
export interface Drawn {
  readonly cells: Cells;
  /** One or three planes of H×W, 0–1. */
  readonly planes: readonly Float32Array[];
  readonly faults: Faults;
}

/** A kind. */
export interface Kind {
  /** Range of the diameter where the caller names none, pixels. */
  readonly diameter: readonly [number, number];
  readonly draw: (random: Random, size: Size2D, diameter: number) => Drawn;
}

/** Faults of a good microscope. */
export const MILD: Faults = {
  blur: [0.4, 1.2],
  noise: [0.005, 0.05],
  shade: [0, 0.25],
};

/** Take one of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)];
}
