/**
 * Kind `tiles`: spans and weights of tiles, and the blended image.
 *
 * @module
 */
import {
  type Core,
  planTiles,
  type TileOptions,
  type TilePlan,
} from "../../wasm/mod.ts";
import {
  type Case,
  getArray,
  getFloats,
  getNumber,
  getNumbers,
  hasArrays,
} from "./case.ts";
import { type Check, exactly, relatively } from "./check.ts";

const LIMIT = 1e-4;

/** The weight of tile k's output grows by this in `averaged_scaled`. */
const SCALE_STEP = 0.1;

/** Check a case of this kind: spans exact, the rest ≤1e-4 of the range. */
export function tiles(core: Core, from: Case): Check[] {
  const plan = planOf(from);
  const checks: Check[] = [];
  const spans = {
    ysub: plan.tiles.flatMap(({ top }) => [top, top + plan.tileHeight]),
    xsub: plan.tiles.flatMap(({ left }) => [left, left + plan.tileWidth]),
    ntiles: [plan.tiles.length],
  };
  for (const [name, ours] of Object.entries(spans)) {
    if (!(name in from.facts)) continue;
    checks.push(exactly(name, ours, getNumbers(from, name)));
  }
  if (hasArrays(from, "taper")) {
    const [height, width] = getArray(from, "taper", 2).shape;
    const ours = core.taperTile({ height, width });
    checks.push(relatively("taper", ours, getFloats(from, "taper"), LIMIT));
  }
  if (!hasArrays(from, "image")) return checks;
  for (
    const [name, step] of [["averaged", 0], [
      "averaged_scaled",
      SCALE_STEP,
    ]] as const
  ) {
    if (!hasArrays(from, name)) continue;
    const ours = blend(core, from, { plan, step });
    checks.push(relatively(name, ours, getFloats(from, name), LIMIT));
  }
  return checks;
}

/** Cut the image, take tile k times (1 + k·step) as output, and blend. */
function blend(
  core: Core,
  from: Case,
  { plan, step }: { plan: TilePlan; step: number },
): Float32Array {
  const { shape } = getArray(from, "image", 3);
  const channels = shape[0];
  const image = padded(getFloats(from, "image"), shape, plan);
  const outputs = plan.tiles.map((_, tile) =>
    core.cutTile(image, plan, { tile, channels })
      .map((value) => value * (1 + tile * step))
  );
  const flowChannel = channels >= 2 ? 0 : null;
  return core.blendTiles(outputs, plan, { channels, flowChannel });
}

/** Extend the image by zeros where the peer did, to the plan's size. */
function padded(
  image: Float32Array,
  [channels, height, width]: readonly number[],
  { size }: TilePlan,
): Float32Array {
  if (height === size.height && width === size.width) return image;
  const out = new Float32Array(channels * size.height * size.width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = image.subarray((c * height + y) * width).subarray(0, width);
      out.set(row, (c * size.height + y) * size.width);
    }
  }
  return out;
}

/** The plan whose number of tiles the case has: half overlap, or plain. */
function planOf(from: Case): TilePlan {
  const shape = hasArrays(from, "image")
    ? getArray(from, "image", 3).shape
    : [];
  const size = {
    height: getNumber(from, "Ly", shape[1]),
    width: getNumber(from, "Lx", shape[2]),
  };
  const options: TileOptions = {
    tileSize: getNumber(from, "bsize", 256),
    tileOverlap: getNumber(from, "tile_overlap", 0.1),
    pad: false,
  };
  const plain = planTiles(size, options);
  const augmented = planTiles(size, { ...options, augment: true });
  if (typeof from.facts.augment === "boolean") {
    return from.facts.augment ? augmented : plain;
  }
  const count = "ysub" in from.facts
    ? getNumbers(from, "ysub").length / 2
    : getNumber(from, "ntiles", plain.tiles.length);
  return count === augmented.tiles.length ? augmented : plain;
}
