/**
 * Micrograph-like images of a scene, in four kinds of light.
 *
 * They are no optical models: they have what makes real images hard (halos,
 * rims, uneven light, texture, blur, noise), each as strong as asked.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { checkLength, type Size2D } from "../ndarray.ts";
import { blur, distanceTo, smoothNoise } from "./fields.ts";
import { createRandom, type Random } from "./random.ts";
import { square } from "./shapes.ts";

/** Kinds of images. */
export type Modality = "fluorescence" | "phase" | "brightfield" | "histology";

/** How an image is rendered. */
export interface RenderOptions {
  /** Default fluorescence. */
  readonly modality?: Modality;
  /** Deviation of the noise of a white pixel, part of the range; default 0.03. */
  readonly noise?: number;
  /** Standard deviation of the blur, pixels; default 1. */
  readonly blur?: number;
  /** How much darker one side is than the other, 0–1; default 0.2. */
  readonly illumination?: number;
  /** Strength of the texture in and around cells, 0–1; default 0.3. */
  readonly texture?: number;
}

/** A rendered image. */
export interface Micrograph {
  /** H×W×C u8. */
  readonly data: Uint8Array;
  readonly size: Size2D;
  /** 3 for histology, else 1. */
  readonly channels: number;
}

/** What is known of a pixel when it is drawn. */
interface Place {
  /** Into the cell from its outline, pixels; 0 outside. */
  readonly depth: number;
  /** To the nearest cell, pixels; 0 inside. */
  readonly distance: number;
  /** Of the cell, 0–1, its own. */
  readonly tint: number;
  /** Fine and coarse texture, −½ to ½ times its strength. */
  readonly fine: number;
  readonly coarse: number;
}

const DRAW: Record<Modality, (at: Place) => readonly number[]> = {
  fluorescence: ({ depth, tint, fine, coarse }) => [
    depth === 0
      ? 0.07 + 0.05 * coarse
      : (0.45 + 0.4 * tint) * (0.5 + 0.5 * Math.min(1, depth / 7)) *
        (1 + 0.8 * fine + 0.5 * coarse),
  ],
  phase: ({ depth, distance, tint, fine, coarse }) => [
    depth === 0
      ? 0.45 + 0.4 / (1 + square(distance / 2)) + 0.05 * coarse
      : 0.36 - 0.12 * tint + 0.14 / (1 + square(depth)) + 0.25 * fine +
        0.1 * coarse,
  ],
  brightfield: ({ depth, distance, tint, fine, coarse }) => [
    depth === 0
      ? 0.62 + 0.12 / (1 + square(distance)) + 0.05 * coarse
      : 0.64 + 0.06 * tint - 0.4 / (1 + square(depth / 1.2)) + 0.2 * fine,
  ],
  histology: ({ depth, tint, fine, coarse }) => {
    if (depth === 0) {
      const pale = 0.25 * coarse + 0.15 * fine;
      return [0.92 + 0.3 * pale, 0.72 + pale, 0.84 + 0.6 * pale];
    }
    // hematoxylin: dark rim, clumped inside
    const shade = 0.85 + 0.3 * tint - 0.2 / (1 + depth) + 0.5 * fine;
    return [0.46 * shade, 0.32 * shade, 0.62 * shade];
  },
};

/**
 * Render a scene.
 *
 * @param labels  H×W, 0 = background: a scene's, or any
 * @param seed    any integer; the same seed and options give the same bytes
 * @throws {ArgumentError | ShapeError}
 */
export function renderMicrograph(
  labels: Uint32Array,
  size: Size2D,
  seed: number,
  options: RenderOptions = {},
): Micrograph {
  const {
    modality = "fluorescence",
    noise = 0.03,
    blur: sigma = 1,
    illumination = 0.2,
    texture = 0.3,
  } = options;
  checkLength("labels", labels, size.height * size.width);
  for (const [name, value] of Object.entries({ noise, blur: sigma, texture })) {
    if (!(value >= 0)) {
      throw new ArgumentError(name, `must not be negative, is ${value}`);
    }
  }
  if (!(illumination >= 0 && illumination <= 1)) {
    throw new ArgumentError(
      "illumination",
      `is ${illumination}, not in [0, 1]`,
    );
  }
  const random = createRandom(seed, 0x7e57);
  const planes = drawPlanes(labels, size, random, DRAW[modality], texture);
  const light = drawLight(random, size, illumination);
  const channels = planes.length;
  const data = new Uint8Array(labels.length * channels);
  planes.forEach((plane, c) => {
    blur(plane, size, sigma);
    for (let i = 0; i < labels.length; i++) {
      const value = plane[i] * light[i];
      // shot noise: its variance grows with the light
      const grain = noise * Math.sqrt(Math.max(0, value)) * random.normal();
      const byte = Math.round(255 * (value + grain));
      data[i * channels + c] = Math.max(0, Math.min(255, byte));
    }
  });
  return { data, size, channels };
}

function drawPlanes(
  labels: Uint32Array,
  size: Size2D,
  random: Random,
  draw: (at: Place) => readonly number[],
  texture: number,
): Float32Array[] {
  const { width } = size;
  // on its outline a pixel touches another label
  const depth = distanceTo((i) => {
    const x = i % width;
    return labels[i] === 0 || x > 0 && labels[i - 1] !== labels[i] ||
      x < width - 1 && labels[i + 1] !== labels[i] ||
      i >= width && labels[i - width] !== labels[i] ||
      i + width < labels.length && labels[i + width] !== labels[i];
  }, size);
  const distance = distanceTo((i) => labels[i] > 0, size);
  const fine = smoothNoise(random, size, 4);
  const coarse = smoothNoise(random, size, 24);
  const tints = new Map<number, number>();
  const planes: Float32Array[] = [];
  for (let i = 0; i < labels.length; i++) {
    const tint = tints.get(labels[i]) ?? random.uniform();
    tints.set(labels[i], tint);
    draw({
      depth: labels[i] > 0 ? depth[i] + 0.5 : 0,
      distance: distance[i],
      tint,
      fine: texture * (fine[i] - 0.5),
      coarse: texture * (coarse[i] - 0.5),
    }).forEach((value, c) => {
      planes[c] ??= new Float32Array(labels.length);
      planes[c][i] = value;
    });
  }
  return planes;
}

/** 1 on the lit side, falling to 1 − illumination on the other. */
function drawLight(
  random: Random,
  { height, width }: Size2D,
  illumination: number,
): Float32Array {
  const [uy, ux] = random.direction();
  const reach = (Math.abs(uy) * (height - 1) + Math.abs(ux) * (width - 1)) / 2;
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const along = (y - (height - 1) / 2) * uy + (x - (width - 1) / 2) * ux;
      const t = reach > 0 ? along / reach / 2 + 0.5 : 0;
      out[y * width + x] = 1 - illumination * t;
    }
  }
  return out;
}
