/**
 * Models that flows can be had from, alone or together.
 *
 * @module
 */
import { ArgumentError, ModelError } from "../errors.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Encoder } from "./encoder.ts";
import { FAMILY } from "./families.ts";

/** Diameters that Cellpose's networks know, for the one they were made for. */
const KNOWN_RANGE = [0.25, 4] as const;

/**
 * Check that the models fit each other and the tile asked for.
 *
 * @throws {ModelError} if the models cannot be averaged or give no flows
 * @throws {ArgumentError} `encoders`, `tileSize`
 */
export function checkModels(
  encoders: readonly Encoder[],
  { tileSize }: SegmentParameters,
): void {
  if (encoders.length === 0) {
    throw new ArgumentError("encoders", "is empty; give a model");
  }
  const [{ model: first }] = encoders;
  const family = FAMILY[first.family];
  if (family.output !== "flows") {
    throw new ModelError(
      first.name,
      `is of family ${first.family}, which gives no flows; segment takes Cellpose's families`,
    );
  }
  if (first.outputs < 3) {
    throw new ModelError(
      first.name,
      `gives ${first.outputs} planes; dY, dX and cellprob are needed`,
    );
  }
  if (family.isTileFixed && (tileSize ?? first.tileSize) !== first.tileSize) {
    throw new ArgumentError(
      "tileSize",
      `is ${tileSize}; ${first.name} takes tiles of ${first.tileSize} only`,
    );
  }
  if (tileSize !== null && tileSize % (first.tileMultiple ?? 1) !== 0) {
    throw new ArgumentError(
      "tileSize",
      `is ${tileSize}; ${first.name} takes multiples of ${first.tileMultiple}`,
    );
  }
  for (const { model } of encoders.slice(1)) {
    const isAlike = (["channels", "outputs", "tileSize", "diameter"] as const)
      .every((name) => model[name] === first[name]);
    if (!isAlike || model.family !== first.family) {
      throw new ModelError(
        model.name,
        `cannot be averaged with ${first.name}: family, channels, outputs, tile and diameter must be the same`,
      );
    }
  }
}

/** Diameters that a model knows, pixels at its own scale. */
export function readRange(model: Encoder["model"]): readonly [number, number] {
  return model.diameterRange ??
    [KNOWN_RANGE[0] * model.diameter, KNOWN_RANGE[1] * model.diameter];
}
