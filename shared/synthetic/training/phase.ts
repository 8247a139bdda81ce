/**
 * Light through clear cells: phase contrast and brightfield.
 *
 * @module
 */
import type { Size2D } from "../../ndarray.ts";
import { square } from "../shapes.ts";
import { soften } from "./planes.ts";
import type { Cells } from "./sketch.ts";

/** How phase contrast shows optical thickness. */
export interface PhaseOptics {
  /** Gray of the background, 0–1. */
  readonly background: number;
  /** Change of gray per unit of thickness: negative is dark phase. */
  readonly contrast: number;
  /** Width of halo and shade-off, pixels. */
  readonly halo: number;
  /** How much of the wide blur is taken away, 0 (no halo) to 1. */
  readonly share: number;
}

/**
 * Show thickness as phase contrast does: what is wider than the halo is lost
 * (shade-off), and what surrounds a cell turns the other way (halo).
 *
 * @param thickness  H×W, 0 in the background
 */
export function showPhase(
  thickness: Float32Array,
  size: Size2D,
  { background, contrast, halo, share }: PhaseOptics,
): Float32Array {
  const wide = soften(thickness, size, halo);
  return thickness.map((value, i) =>
    background + contrast * (value - share * wide[i])
  );
}

/**
 * How thick cells are: 0 outside, rising from the outline toward 1.
 *
 * @param slope  depth at which half is reached, pixels
 * @param vary   part of the thickness that differs between cells
 */
export function measureThickness(
  { labels, depth, tints }: Cells,
  slope: number,
  vary: number,
): Float32Array {
  return depth.map((d, i) =>
    d === 0
      ? 0
      : (1 - vary * tints[labels[i]]) * (1 - 1 / square(1 + 0.41 * d / slope))
  );
}

/**
 * Rings of a defocused border: `first` at it, the opposite `spacing` further
 * in and out.
 */
export function drawRings(
  { depth, distance }: Cells,
  { spacing, first, inner, outer }: {
    /** Pixels. */
    readonly spacing: number;
    /** Changes of gray: at the border, inside and outside of it. */
    readonly first: number;
    readonly inner: number;
    readonly outer: number;
  },
): Float32Array {
  const bump = (away: number) => 1 / square(1 + square(away * 1.3 / spacing));
  return depth.map((d, i) => {
    const from = d > 0 ? d : -distance[i];
    if (from < -6 * spacing || from > 6 * spacing) return 0;
    return first * bump(from) + inner * bump(from - 1.8 * spacing) +
      outer * bump(from + 1.8 * spacing);
  });
}
