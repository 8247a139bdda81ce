/**
 * How well a model segments labelled images, as its users would run it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { isVolume } from "../../shared/ndarray.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { FAMILY } from "../../shared/pipeline/families.ts";
import {
  layOutPlanes,
  type NamedArray,
  readRows,
} from "../../shared/pipeline/planes.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import type { ItemFile } from "./find_items.ts";
import type { ItemFacts } from "./read_item.ts";
import type { Seen } from "./watch_training.ts";

/** Score of one image. */
export interface ImageScore extends Seen {
  readonly name: string;
  readonly kind: string;
  /** AP at IoU 0.5: TP/(TP + FP + FN). */
  readonly ap50: number;
}

/** An image to score on. */
export interface ScoredItem {
  readonly file: ItemFile;
  readonly facts: ItemFacts;
}

const LIMITS = { maxRatio: Infinity };

/**
 * Segment images and score the masks.
 *
 * The diameter is given, the median of the true cells: what is judged is the
 * network, not a size estimate.
 */
export async function scoreModel(
  core: Core,
  encoder: Encoder,
  items: readonly ScoredItem[],
): Promise<ImageScore[]> {
  const scores: ImageScore[] = [];
  for (const { file, facts } of items) {
    if (file.labels === undefined) continue;
    const image = await decodeImage(
      new Uint8Array(await readFile(file.image)),
      { limits: LIMITS },
    );
    const truth = await decodeLabels(
      new Uint8Array(await readFile(file.labels)),
      { limits: LIMITS, size: facts.size },
    );
    if (isVolume(truth.size)) continue;
    const isSemantic = FAMILY[encoder.model.family].output === "semantic";
    const isScaled = isSemantic && facts.diameter > 0;
    const parameters = SegmentParameters.parse(
      facts.diameter > 0 && !isSemantic ? { diameter: facts.diameter } : {},
    );
    // such a network knows no diameter, but was trained at one
    const input = isScaled
      ? scaleImage(core, image, encoder.model.diameter / facts.diameter)
      : image;
    // metadata such as pixel sizes are of no use here
    const { data, axes, shape } = input;
    const result = await segment({ data, axes, shape }, parameters, {
      core,
      encoders: [encoder],
      batchSize: 1,
    });
    const [plane] = result.planes;
    const masks = isScaled
      ? core.resizeNearest(plane.masks, plane.size, truth.size) as Uint32Array
      : plane.masks;
    const [{ ap }] = core.averagePrecision(
      truth.masks,
      masks,
      truth.size,
      [0.5],
    );
    let [low, high] = [Infinity, -Infinity];
    for (const logit of plane.cellprob) {
      if (logit < low) low = logit;
      if (logit > high) high = logit;
    }
    scores.push({
      name: file.name,
      kind: file.kind,
      ap50: ap,
      truth: facts.cells,
      prediction: plane.count,
      logits: [low, high],
    });
  }
  return scores;
}

/** An image at another scale, C×H×W. */
function scaleImage(core: Core, image: NamedArray, scale: number): NamedArray {
  const [plane] = layOutPlanes(image);
  const { size: { height, width }, channels } = plane;
  const target = {
    height: Math.max(1, Math.round(height * scale)),
    width: Math.max(1, Math.round(width * scale)),
  };
  const pixels = readRows(core, plane, 0, height);
  const size = { height, width, channels };
  return {
    data: core.resizeLinear(pixels, size, target),
    axes: "CYX",
    shape: [channels, target.height, target.width],
  };
}

/** Mean AP of each kind. */
export function meanByKind(
  scores: readonly ImageScore[],
): Record<string, number> {
  const groups = Map.groupBy(scores, ({ kind }) => kind);
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([kind, each]) => [kind, mean(each.map(({ ap50 }) => ap50))]),
  );
}

/** Mean, 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.length === 0
    ? 0
    : values.reduce((a, b) => a + b, 0) / values.length;
}
