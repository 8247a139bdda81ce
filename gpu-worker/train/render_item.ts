/**
 * Rendered scenes as training items.
 *
 * A module of scenes exports `renderItem(core, seed)`; the same seed gives the
 * same item. This is the one that `--rendered` takes.
 *
 * @module
 */
import {
  createRandom,
  generateScene,
  type Modality,
  renderMicrograph,
  type ShapeKind,
} from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import type { TrainItem } from "./read_item.ts";

const MODALITIES: readonly Modality[] = [
  "fluorescence",
  "phase",
  "brightfield",
  "histology",
];
const SHAPES: readonly ShapeKind[] = ["circle", "ellipse", "mixed"];

/** Render the item of a seed. */
export function renderItem(core: Core, seed: number): TrainItem {
  const random = createRandom(seed, 5);
  const scene = generateScene(seed, {
    shape: SHAPES[random.below(SHAPES.length)],
    count: 5 + random.below(40),
    overlap: random.between(0, 0.5),
  });
  const modality = MODALITIES[random.below(MODALITIES.length)];
  const { data, size, channels } = renderMicrograph(
    scene.labels,
    scene.size,
    seed,
    { modality, noise: random.between(0, 0.08), blur: random.between(0.5, 2) },
  );
  const image = core.toPlanar(data, { ...size, channels });
  const { low, high } = core.normalizeImage(image, { ...size, channels });
  const { diameter } = core.estimateDiameter(scene.labels, size);
  return {
    image,
    size,
    channels,
    range: low.map((value, k) =>
      [value, Math.max(high[k], value + 1)] as const
    ),
    labels: scene.labels,
    diameter,
  };
}
