/**
 * Positions as sines and cosines of random waves.
 *
 * Source: Tancik et al. 2020, Fourier features; segment_anything 1.0.
 *
 * @module
 */
import {
  concat,
  cosine,
  matmul,
  multiply,
  sine,
  subtract,
  type Value,
} from "../../shared/graph/mod.ts";
import { type Layers, once } from "./parameter.ts";

const WAVES = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix";

/**
 * Positions to features.
 *
 * @param places  …×2 f32, (x, y), 0 to 1 across the image
 * @returns       …×2F f32
 */
export function toWaves(l: Layers, places: Value): Value {
  const { g, weights } = l;
  const waves = once(
    l,
    WAVES,
    () => g.constant(WAVES, weights.constant(WAVES, [2, null], "f32")),
  );
  const centered = subtract(
    g,
    multiply(g, places, g.float(2)),
    g.float(1),
  );
  const angles = multiply(
    g,
    matmul(g, centered, waves),
    g.float(2 * Math.PI),
  );
  return concat(g, [sine(g, angles), cosine(g, angles)], -1);
}
