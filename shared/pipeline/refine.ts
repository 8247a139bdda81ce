/**
 * One cell by a prompt: points, a box, or its mask so far.
 *
 *   image → features, once → prompt → masks and scores → the best one → scaled
 *     to the image → painted into the label image
 *
 * The command line, the edge and the page call it; it knows no ONNX runtime.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { LabelArray, Size2D } from "../ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import type { Plane } from "./planes.ts";
import { preparePromptImage, type PromptImageOptions } from "./prompt_image.ts";
import type { Embedding, ModelPrompt, PromptModel } from "./prompt_model.ts";
import type { Warning } from "./warnings.ts";

/** A point (y, x), pixels of the image; centers of pixels are whole. */
export type Point = readonly [number, number];

/** What tells which cell is meant; at least one of them. */
export interface Prompt {
  /** Within the cell. */
  readonly points?: readonly Point[];
  /** Outside of it. */
  readonly negativePoints?: readonly Point[];
  /** y0, x0, y1, x1 around it. */
  readonly box?: readonly [number, number, number, number];
  /** A label image and the cell's label: its box and mask are the prompt. */
  readonly cell?: { readonly masks: LabelArray; readonly label: number };
}

/** An image whose features are there. */
export interface EmbeddedImage {
  readonly size: Size2D;
  readonly inputSize: Size2D;
  readonly embedding: Embedding;
  readonly isNormalized: boolean;
  readonly warnings: readonly Warning[];
}

/** The network's answer to a prompt. */
export interface RefinedCell {
  /** H×W f32 at the image's size; the cell is above 0 */
  readonly logits: Float32Array;
  /** Expected IoU of each mask; the first is for unambiguous prompts. */
  readonly scores: readonly number[];
  /** Which mask it is: the best but the first. */
  readonly chosen: number;
}

/** Logits of a mask that is given: sure within and without. */
const SURE = 10;

/** Label of a point that only fills up the list. */
const NO_POINT = -1;

/** Images whose features are kept. */
const KEPT = 4;

/** Prompts on images, with one model. */
export interface Refiner {
  /**
   * Find an image's features, or take them from the last few images.
   *
   * @param key  names the image, as a digest; none: nothing is kept
   */
  embed(
    plane: Plane,
    options?: PromptImageOptions & { readonly key?: string },
  ): Promise<EmbeddedImage>;
  /**
   * Answer a prompt.
   *
   * @throws {ArgumentError} if the prompt is empty or outside the image
   */
  refine(image: EmbeddedImage, prompt: Prompt): Promise<RefinedCell>;
}

/**
 * Start to refine.
 *
 * Source: segment_anything 1.0 `SamPredictor` (with several masks).
 * Differs: the best of several masks is chosen here; a cell's mask is a prompt
 * together with its box.
 */
export function createRefiner(core: Core, model: PromptModel): Refiner {
  const kept = new Map<string, Promise<EmbeddedImage>>();
  return {
    embed(plane, { key, ...options } = {}) {
      const make = () => embed(core, model, plane, options);
      if (key === undefined) return make();
      const name = JSON.stringify([key, options]);
      const known = kept.get(name) ?? make();
      // the last used is the last to go; what failed is not kept
      kept.delete(name);
      kept.set(name, known);
      known.catch(() => kept.delete(name));
      const [oldest] = kept.keys();
      if (kept.size > KEPT) kept.delete(oldest);
      return known;
    },
    async refine(image, prompt) {
      const given = readPrompt(core, model, image, prompt);
      const { masks, scores } = await model.answer(image.embedding, given);
      let chosen = scores.length > 1 ? 1 : 0;
      for (const [i, score] of scores.entries()) {
        if (i > 0 && score > scores[chosen]) chosen = i;
      }
      const { height, width } = model.maskSize;
      const low = masks.subarray(
        chosen * height * width,
        (chosen + 1) * height * width,
      );
      return {
        logits: enlarge(core, model, low, image),
        scores: [...scores],
        chosen,
      };
    },
  };
}

async function embed(
  core: Core,
  model: PromptModel,
  plane: Plane,
  options: PromptImageOptions,
): Promise<EmbeddedImage> {
  const { x, ...rest } = await preparePromptImage(
    core,
    plane,
    model,
    options,
  );
  const embedding = await model.encodeImage(x);
  return { ...rest, size: plane.size, embedding };
}

/** A prompt in the network's pixels. */
function readPrompt(
  core: Core,
  model: PromptModel,
  image: EmbeddedImage,
  prompt: Prompt,
): ModelPrompt {
  const { points = [], negativePoints = [], cell } = prompt;
  const box = prompt.box ?? (cell && boxOf(core, image.size, cell));
  if (points.length + negativePoints.length === 0 && box === undefined) {
    throw new ArgumentError("prompt", "is empty; give points, a box or a cell");
  }
  const { size, inputSize } = image;
  const places: number[] = [];
  const labels: number[] = [];
  const add = ([y, x]: Point, label: number) => {
    places.push(
      x * (inputSize.width / size.width),
      y * (inputSize.height / size.height),
    );
    labels.push(label);
  };
  for (const point of points) add(checkPoint("points", point, size), 1);
  for (const point of negativePoints) {
    add(checkPoint("negativePoints", point, size), 0);
  }
  if (box === undefined) {
    places.push(0, 0);
    labels.push(NO_POINT);
  } else {
    const [y0, x0, y1, x1] = box;
    if (!(y0 <= y1 && x0 <= x1)) {
      throw new ArgumentError("box", `is ${box.join()}; y0 ≤ y1, x0 ≤ x1`);
    }
    add(checkPoint("box", [y0, x0], size), 2);
    add(checkPoint("box", [y1, x1], size), 3);
  }
  return {
    points: Float32Array.from(places),
    labels: Float32Array.from(labels),
    ...(cell ? { mask: maskOf(core, model, image, cell) } : {}),
  };
}

function checkPoint(name: string, point: Point, size: Size2D): Point {
  const [y, x] = point;
  const isInside = y >= 0 && x >= 0 && y <= size.height && x <= size.width;
  if (isInside) return point;
  throw new ArgumentError(
    name,
    `(${y}, ${x}) is outside the image of ${size.height}×${size.width}`,
  );
}

type Cell = NonNullable<Prompt["cell"]>;

/** First and last pixels of a cell. */
function boxOf(
  core: Core,
  size: Size2D,
  { masks, label }: Cell,
): NonNullable<Prompt["box"]> {
  const own = core.selectLabel(masks, size, label);
  const { box } = core.measureRegions(Uint8Array.from(own), size);
  const [y0, x0, y1, x1] = box;
  return [y0, x0, y1 - 1, x1 - 1];
}

/** A cell's mask as logits in the network's frame. */
function maskOf(
  core: Core,
  { imageSize, maskSize }: PromptModel,
  { size, inputSize }: EmbeddedImage,
  { masks, label }: Cell,
): Float32Array {
  const own = core.selectLabel(masks, size, label);
  const target = {
    height: Math.max(
      1,
      Math.round(inputSize.height * maskSize.height / imageSize.height),
    ),
    width: Math.max(
      1,
      Math.round(inputSize.width * maskSize.width / imageSize.width),
    ),
  };
  const shares = core.resampleImage(own, size, target);
  return core.placeImage(shares, target, maskSize, {
    mean: [0.5],
    deviation: [0.5 / SURE],
    fill: -SURE,
  });
}

/** Low logits to the image's size, in two steps as the peer. */
function enlarge(
  core: Core,
  { imageSize, maskSize }: PromptModel,
  low: Float32Array,
  { size, inputSize }: EmbeddedImage,
): Float32Array {
  const padded = core.resizeLinear(low, maskSize, imageSize);
  const { height, width } = inputSize;
  const cut = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const from = y * imageSize.width;
    cut.set(padded.subarray(from, from + width), y * width);
  }
  return core.resizeLinear(cut, inputSize, size);
}
