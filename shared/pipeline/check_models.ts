/**
 * Models that cells can be had from, alone or together.
 *
 * @module
 */
import { ArgumentError, ModelError } from "../errors.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Encoder } from "./encoder.ts";
import { FAMILY } from "./families.ts";
import { checkSemantic } from "./semantic.ts";

/** Diameters that Cellpose's networks know, for the one they were made for. */
const KNOWN_RANGE = [0.25, 4] as const;

/**
 * Check that the models fit each other and the tile asked for.
 *
 * @throws {ModelError} if the models cannot be averaged or find no cells
 * @throws {ArgumentError} `encoders`, `tileSize`, or what classes do not have
 */
export function checkModels(
  encoders: readonly Encoder[],
  parameters: SegmentParameters,
): void {
  const { tileSize } = parameters;
  if (encoders.length === 0) {
    throw new ArgumentError("encoders", "is empty; give a model");
  }
  const [{ model: first }] = encoders;
  const family = FAMILY[first.family];
  if (family.output === "prompts") {
    throw new ModelError(
      first.name,
      `is of family ${first.family}, which answers prompts and finds no cells by itself; use refine to correct one cell by points, a box or its mask`,
    );
  }
  if (family.output === "semantic") checkSemantic(first, parameters);
  else if (first.outputs < 3) {
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
  // networks without a scale of their own know any
  if (FAMILY[model.family].output === "semantic") return [0, Infinity];
  return model.diameterRange ??
    [KNOWN_RANGE[0] * model.diameter, KNOWN_RANGE[1] * model.diameter];
}
