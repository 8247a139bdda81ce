/**
 * Kind `resize`: `image` → `out`, by linear or nearest interpolation.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  CaseError,
  getArray,
  getFloats,
  getLabels,
  spell,
} from "./case.ts";
import { type Check, exactly, relatively } from "./check.ts";
import { toPlanes } from "./planes.ts";

const LIMIT = 1e-4;

/** Check a case of this kind: linear ≤1e-4 of the range, nearest exact. */
export function resize(core: Core, from: Case): Check[] {
  const shape = getArray(from, "image", 2, 3, 4).shape;
  const outShape = getArray(from, "out", shape.length).shape;
  const { size, target, channels } = readSizes(shape, outShape);
  if (isNearest(from)) {
    const read = isWhole(from, "image") ? getLabels : getFloats;
    const image = toPlanes(read(from, "image"), channels);
    const ours = core.resizeNearest(image as Float32Array, size, target);
    return [exactly("out", ours, toPlanes(read(from, "out"), channels))];
  }
  const image = toPlanes(getFloats(from, "image"), channels);
  const ours = core.resizeLinear(image, size, target);
  const theirs = toPlanes(getFloats(from, "out"), channels);
  return [relatively("out", ours, theirs, LIMIT)];
}

/** H×W, H×W×C, or D×H×W where the last edge changes; D×H×W×C. */
function readSizes(shape: readonly number[], outShape: readonly number[]) {
  const hasChannels = shape.length > 2 && shape.at(-1) === outShape.at(-1);
  const channels = hasChannels ? shape[shape.length - 1] : 1;
  const edges = hasChannels ? shape.slice(0, -1) : shape;
  const outEdges = hasChannels ? outShape.slice(0, -1) : outShape;
  if (edges.length > 3) {
    throw new CaseError(
      `image.npy is ${spell(shape)}, out.npy ${spell(outShape)}`,
    );
  }
  const sizeFrom = ([width, height, depth]: number[]) =>
    depth === undefined ? { height, width } : { depth, height, width };
  return {
    size: { ...sizeFrom(edges.toReversed()), channels },
    target: sizeFrom(outEdges.toReversed()),
    channels,
  };
}

/**
 * Which interpolation the peer used: `case.json` or the case's name may say
 * so; otherwise nearest invents no value and linear does.
 */
function isNearest(from: Case): boolean {
  const stated = `${from.facts.interpolation ?? from.facts.method ?? ""}`;
  for (const text of [stated, from.name]) {
    if (/nearest/i.test(text)) return true;
    if (/linear/i.test(text)) return false;
  }
  const values = new Set(getFloats(from, "image"));
  return getFloats(from, "out").every((value) => values.has(value));
}

function isWhole(from: Case, name: string): boolean {
  const { dtype } = getArray(from, name);
  return !/f\d$/.test(dtype);
}
