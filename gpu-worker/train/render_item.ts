/**
 * Rendered scenes as training items.
 *
 * A module of scenes exports `renderItem(core, seed)`; the same seed gives the
 * same item. This is the one that `--rendered` takes: micrographs of every
 * kind that can be rendered, in turn.
 *
 * @module
 */
import {
  createRandom,
  renderTrainingScene,
  TRAINING_KINDS,
} from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import type { TrainItem } from "./read_item.ts";

/** Edge of a scene, pixels: a crop at most, at the scales that are drawn. */
const EDGE = 224;
/** Diameters, pixels: near those that crops are scaled to. */
const DIAMETERS = [13, 34] as const;
/** Stream of random numbers of its own. */
const STREAM = 5;

/** Render the item of a seed. */
export function renderItem(core: Core, seed: number): TrainItem {
  const random = createRandom(seed, STREAM);
  const { image: pixels, size, channels, labels } = renderTrainingScene(seed, {
    height: EDGE,
    width: EDGE,
    kind: TRAINING_KINDS[seed % TRAINING_KINDS.length],
    diameter: random.between(...DIAMETERS),
  });
  const image = core.toPlanar(pixels, { ...size, channels });
  const { low, high } = core.normalizeImage(image, { ...size, channels });
  const { diameter } = core.estimateDiameter(labels, size);
  return {
    image,
    size,
    channels,
    range: low.map((value, k) =>
      [value, Math.max(high[k], value + 1)] as const
    ),
    labels,
    diameter,
  };
}
