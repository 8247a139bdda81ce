/**
 * What is random about a crop: where it lies and how it looks.
 *
 * Random numbers come in one order from a stream of their own, so a crop is
 * the same whatever was drawn before it.
 *
 * @module
 */
import type { Random } from "../../shared/synthetic/mod.ts";
import type { CropLook, CropWindow } from "../../wasm/mod.ts";
import type { TrainItem } from "./read_item.ts";

/** How crops are drawn. */
export interface CropOptions {
  /** Edge, pixels: a multiple of what the network takes. */
  readonly cropSize: number;
  /** Channels of the network. */
  readonly channels: number;
  /** Diameter that cells come out at, pixels; the model's. */
  readonly diameter: number;
  /**
   * Width of the range of scales around it; 0.5: Cellpose's, 0.75 to 1.25
   * times.
   */
  readonly scaleRange: number;
  readonly rotate: boolean;
  readonly flip: boolean;
  /** Share of crops that are centered near a cell; for sparse images. */
  readonly focus: number;
  /** Strength of all changes of intensity, 0 (none) to 1. */
  readonly intensity: number;
  /** How channels are laid out: as the image's, or any way. */
  readonly layout: "first" | "any";
}

/**
 * Doublings of contrast. An image's percentiles say little where few cells lie
 * on a wide ground or some shine: cells then come out far from 0 and 1.
 */
const GAIN = [-0.8, 1.2] as const;

/** Share of crops with dark and bright exchanged: few real images are so. */
const INVERTED = 0.12;

/**
 * Shares of crops of several channels that are made gray, and that keep their
 * channels' places; in the others they stand anywhere. Stains differ in what
 * they show, which small networks hardly learn where places tell nothing.
 */
const GRAY = 0.15;
const PLAIN = 0.55;

/**
 * Draw a crop's window: a random rotation, flip, scale and place.
 *
 * Source: Cellpose 4.2.1.1 `random_rotate_and_resize` (ranges, translation
 * within the part that the crop does not cover).
 * Differs: for a share of crops a cell is near the center; the axes of the
 * translation are in order (reference: Cellpose's are swapped).
 */
export function drawWindow(
  random: Random,
  item: Pick<TrainItem, "size" | "diameter" | "labels">,
  options: CropOptions,
): CropWindow {
  const { cropSize, diameter, scaleRange } = options;
  const { height, width } = item.size;
  // an image without cells is taken at its own scale
  const base = item.diameter > 0 ? diameter / item.diameter : 1;
  const zoom = base * (1 + scaleRange * (random.uniform() - 0.5));
  const [cos, sin] = options.rotate ? random.direction() : [1, 0];
  const mirror = options.flip && random.uniform() < 0.5 ? -1 : 1;
  const step = 1 / zoom;
  const yy = step * cos;
  const yx = -step * sin * mirror;
  const xy = step * sin;
  const xx = step * cos * mirror;

  const reach = (edge: number) => Math.max(0, edge - cropSize * step) / 2;
  const place = (edge: number) =>
    (edge - 1) / 2 + reach(edge) * random.between(-1, 1);
  let [cy, cx] = [place(height), place(width)];
  if (random.uniform() < options.focus) {
    const cell = findCellPixel(random, item);
    // the cell need not be in the middle
    const jitter = () => cropSize * step * random.between(-0.25, 0.25);
    const near = (at: number, edge: number) => {
      const middle = (edge - 1) / 2;
      const limit = reach(edge);
      return Math.min(Math.max(at, middle - limit), middle + limit);
    };
    const [dy, dx] = [jitter(), jitter()];
    if (cell !== undefined) {
      [cy, cx] = [near(cell[0] + dy, height), near(cell[1] + dx, width)];
    }
  }
  const middle = (cropSize - 1) / 2;
  return {
    size: { height: cropSize, width: cropSize },
    matrix: [
      yy,
      yx,
      cy - (yy + yx) * middle,
      xy,
      xx,
      cx - (xy + xx) * middle,
    ],
  };
}

/** A random pixel of a random cell, by area; none if cells are too rare. */
function findCellPixel(
  random: Random,
  { labels, size: { width } }: Pick<TrainItem, "labels" | "size">,
): [number, number] | undefined {
  if (labels === undefined) return undefined;
  // 200 looks find cells that cover 1 % with a chance of 87 %
  for (let look = 0; look < 200; look++) {
    const at = random.below(labels.length);
    if (labels[at] !== 0) return [Math.floor(at / width), at % width];
  }
  return undefined;
}

/** Draw a crop's look: channels, tones, blur and noise. */
export function drawLook(
  random: Random,
  item: Pick<TrainItem, "channels" | "range">,
  options: CropOptions,
): CropLook {
  const { channels, intensity, layout } = options;
  const mix = layout === "any" && channels > 1
    ? drawMix(random, item.channels, channels)
    : plainMix(item.channels, channels);
  const { range } = item;
  if (intensity === 0) return { mix, range };

  const often = (share: number) => random.uniform() < share * intensity;
  const isInverted = often(INVERTED);
  const tones = mix.map((weights) => {
    const gamma = Math.pow(2, intensity * random.between(-1, 1));
    const gain = 2 ** (intensity * random.between(...GAIN));
    const offset = intensity * random.between(-0.1, 0.1);
    const isEmpty = weights.every((weight) => weight === 0);
    return isEmpty
      ? { gamma: 1, gain: 1, offset: 0 }
      : { gamma, gain: isInverted ? -gain : gain, offset };
  });
  const sigma = random.between(0.3, 1.5);
  const blur = often(0.3) ? sigma : 0;
  const noise = {
    sigma: 0.1 * random.uniform() ** 2,
    photon: 0.12 * random.uniform() ** 2,
    seed: random.below(2 ** 32),
  };
  const isNoisy = often(0.5);
  return { mix, range, tones, blur, ...(isNoisy ? { noise } : {}) };
}

/** The image's first channels, as the pipeline takes them. */
function plainMix(from: number, to: number): number[][] {
  return Array.from(
    { length: to },
    (_, j) => Array.from({ length: from }, (_, k) => j === k ? 1 : 0),
  );
}

/**
 * Channels in any place: shuffled, one left out, gray made of all, gray spread
 * over several.
 */
function drawMix(random: Random, from: number, to: number): number[][] {
  const order = shuffle(random, to);
  const pick = random.uniform();
  const mix = plainMix(from, to).map((row) => row.map(() => 0));
  if (from === 1 || pick < GRAY) {
    // gray: in the first place half of the time, as the pipeline puts it
    const gray = Array.from({ length: from }, () => 1 / from);
    const spread = random.uniform();
    const weights = order.map(() => random.between(0.4, 1));
    if (spread < 0.5) mix[0] = gray;
    else if (spread < 0.75) mix[order[0]] = gray;
    else {
      for (const [j, weight] of weights.entries()) {
        mix[j] = gray.map((share) => share * weight);
      }
    }
    return mix;
  }
  const isPlain = pick < GRAY + PLAIN;
  const left = random.below(Math.min(from, to));
  const isDropped = random.uniform() < 0.1;
  for (let k = 0; k < Math.min(from, to); k++) {
    if (isDropped && k === left) continue;
    mix[isPlain ? k : order[k]][k] = 1;
  }
  return mix;
}

/** 0 … count − 1 in any order. */
export function shuffle(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
