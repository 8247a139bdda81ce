/** Small images through Cellpose 4.2.1.1; see fixtures/images/make.py. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type NormalizeOptions, planTiles } from "../wasm/mod.ts";
import { core } from "./core.ts";

interface Packed {
  shape: number[];
  type: "f4" | "u4" | "u1";
  data: string;
}
interface Case {
  kind: string;
  name: string;
  options: Record<string, unknown>;
  image: Packed;
  out: Packed;
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL("fixtures/images/cases.json", import.meta.url), "utf8"),
);
const ofKind = (kind: string) =>
  cases.filter((one) => one.kind === kind)
    .map((one) => [one.name, one] as const);

/** Largest difference allowed, as a part of the range of Cellpose's result. */
const LIMIT = 1e-5;

function unpack({ data, type }: Packed) {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  if (type === "u1") return bytes;
  return type === "u4"
    ? new Uint32Array(bytes.buffer)
    : new Float32Array(bytes.buffer);
}

/** Axes of an interleaved image, H×W×C or D×H×W×C. */
function sizeOf(shape: number[]) {
  const [channels, width, height, depth] = shape.toReversed();
  return depth === undefined
    ? { channels, height, width }
    : { channels, depth, height, width };
}

function errorOf(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(ours.length).toBe(theirs.length);
  const values = Array.from(theirs);
  const range = Math.max(...values) - Math.min(...values);
  return Math.max(...values.map((value, i) => Math.abs(ours[i] - value))) /
    range;
}

test.each(ofKind("normalize"))(
  "normalizeImage() equals Cellpose: %s",
  (_, { options, image, out }) => {
    const size = sizeOf(image.shape);
    const settings: NormalizeOptions = {
      ...options.percentile ? { percentile: options.percentile as never } : {},
      ...options.lowhigh ? { lowhigh: options.lowhigh as never } : {},
      invert: options.invert === true,
      norm3D: options.norm3D !== false,
      smoothRadius: Number(options.smooth_radius ?? 0),
      sharpenRadius: Number(options.sharpen_radius ?? 0),
      tileNormBlocksize: Number(options.tile_norm_blocksize ?? 0),
      tileNormSmooth3D: Number(options.tile_norm_smooth3D ?? 1),
      parity: true,
    };
    const planar = core.toPlanar(unpack(image), size);
    const ours = core.normalizeImage(planar, size, settings).image;
    const error = errorOf(core.toInterleaved(ours, size), unpack(out));
    expect(error).toBeLessThanOrEqual(LIMIT);
  },
);

test.each(ofKind("linear"))(
  "resizeLinear() equals OpenCV: %s",
  (_, { image, out }) => {
    const size = sizeOf(image.shape);
    const target = sizeOf(out.shape);
    const planar = core.toPlanar(unpack(image), size);
    const ours = core.resizeLinear(planar, size, target);
    const error = errorOf(core.toInterleaved(ours, target), unpack(out));
    expect(error).toBeLessThanOrEqual(LIMIT);
  },
);

test.each(ofKind("nearest"))(
  "resizeNearest() equals OpenCV: %s",
  (_, { image, out }) => {
    const labels = unpack(image) as Uint32Array;
    const [size, target] = [image, out].map(({ shape }) =>
      sizeOf([...shape, 1])
    );
    expect(core.resizeNearest(labels, size, target)).toEqual(unpack(out));
  },
);

test.each(ofKind("tiles"))(
  "planTiles(), cutTile() and blendTiles() equal Cellpose: %s",
  (_, { options, image, out }) => {
    const [channels, height, width] = image.shape;
    const plan = planTiles({ height, width }, {
      tileSize: options.tileSize as number,
      tileOverlap: options.tileOverlap as number,
      augment: options.augment as boolean,
      pad: options.pad as boolean,
    });
    expect(plan.tiles.map(({ top }) => top)).toEqual(options.tops);
    expect(plan.tiles.map(({ left }) => left)).toEqual(options.lefts);
    const pixels = Float32Array.from(unpack(image));
    const outputs = plan.tiles.map((_, tile) =>
      core.cutTile(pixels, plan, { tile, channels })
        .map((value) => value * (1 + tile / 10))
    );
    const ours = core.blendTiles(outputs, plan);
    // Cellpose extends small images without padding; its result is as large
    const [, fullHeight, fullWidth] = out.shape;
    const theirs = unpack(out).filter((_, i) =>
      i % fullWidth < width &&
      Math.floor(i / fullWidth) % fullHeight < height
    );
    expect(errorOf(ours, theirs)).toBeLessThanOrEqual(LIMIT);
  },
);
