/**
 * Kind `normalize`: `image` → `out` with the settings of `case.json`.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  CaseError,
  getArray,
  getFloats,
  getNumber,
  getNumbers,
} from "./case.ts";
import { type Check, relatively } from "./check.ts";
import { toPlanes } from "./planes.ts";

const LIMIT = 1e-4;

/** Check a case of this kind: ≤1e-4 of the range. */
export function normalize(core: Core, from: Case): Check[] {
  const { shape } = getArray(from, "image", 2, 3, 4);
  const [height, width, channels = 1] = shape.slice(shape.length === 4 ? 1 : 0);
  const size = shape.length === 4
    ? { depth: shape[0], height, width, channels }
    : { height, width, channels };
  const image = getFloats(from, "image");
  const theirs = getFloats(from, "out");
  if (theirs.length !== image.length) {
    throw new CaseError("out.npy and image.npy have different shapes");
  }
  const { image: ours } = core.normalizeImage(
    toPlanes(image, channels),
    size,
    {
      ...rangeOf(from),
      invert: isInverted(from, image, theirs),
      smoothRadius: getNumber(from, "smooth", 0),
      sharpenRadius: getNumber(from, "sharpen", 0),
      tileNormBlocksize: getNumber(from, "tile_norm_blocksize", 0),
      tileNormSmooth3D: getNumber(from, "tile_norm_smooth3D", 1),
      norm3D: from.facts.norm3D !== false,
      parity: true,
    },
  );
  return [relatively("out", ours, toPlanes(theirs, channels), LIMIT)];
}

/** Percentiles (`lower` and `upper`, or a pair), or values (`lowhigh`). */
function rangeOf(from: Case) {
  if ("lowhigh" in from.facts) {
    const values = getNumbers(from, "lowhigh");
    const pairs: [number, number][] = [];
    for (let i = 0; i < values.length; i += 2) {
      pairs.push([values[i], values[i + 1]]);
    }
    return { lowhigh: pairs.length === 1 ? pairs[0] : pairs };
  }
  if ("percentile" in from.facts) {
    const [low, high] = getNumbers(from, "percentile");
    return { percentile: [low, high] as const };
  }
  const low = getNumber(from, "lower", 1);
  const high = getNumber(from, "upper", 99);
  return { percentile: [low, high] as const };
}

/**
 * Whether dark becomes bright: `case.json` or the case's name may say so;
 * otherwise the peer's output does, by falling where the image rises.
 */
function isInverted(
  from: Case,
  image: Float32Array,
  out: Float32Array,
): boolean {
  if (typeof from.facts.invert === "boolean") return from.facts.invert;
  if (/(^|[^a-z])invert/i.test(from.name)) return true;
  const [imageMean, outMean] = [image, out].map((values) =>
    values.reduce((a, b) => a + b, 0) / values.length
  );
  let covariance = 0;
  for (let i = 0; i < out.length; i++) {
    covariance += (image[i] - imageMean) * (out[i] - outMean);
  }
  return covariance < 0;
}
