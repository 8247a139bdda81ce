/**
 * Crops whose cells come out at one diameter, which size estimates are fitted
 * on.
 *
 * @module
 */
import type { BatchSpec } from "./make_batches.ts";
import type { Preparer } from "./open_batches.ts";
import type { ScoredItem } from "./score_model.ts";
import type { TrainBatch } from "./trainer_port.ts";

/** Edge of crops that size estimates are fitted on, as the pipeline looks. */
const SIZE_CROP = 192;
/** Batches of them for each diameter. */
const SIZE_BATCHES = 20;
/** Images are enlarged so many times for them, at most. */
const MAX_ENLARGED = 3;
const MAX_SCENE_DIAMETER = 40;

/** Make batches of them. */
export async function* cropsOfDiameter(
  diameter: number,
  { train, spec, preparer }: {
    train: readonly ScoredItem[];
    spec: BatchSpec;
    preparer: Preparer;
  },
): AsyncGenerator<TrainBatch> {
  // cells that would be blurred by enlarging tell nothing
  const files = train
    .filter(({ facts }) => facts.diameter * MAX_ENLARGED >= diameter)
    .map(({ file }) => file);
  const { scenes, ...rest } = spec;
  const hasScenes = scenes !== undefined && diameter <= MAX_SCENE_DIAMETER;
  // small cells are not made this large: the fit goes without this diameter
  if (files.length === 0 && !hasScenes) return;
  const kinds = new Set(files.map(({ kind }) => kind));
  const opened = await preparer.open({
    ...rest,
    // kinds of small cells only have no images left
    weights: typeof spec.weights === "string"
      ? spec.weights
      : Object.fromEntries(
        Object.entries(spec.weights).filter(([kind]) => kinds.has(kind)),
      ),
    // scenes are small: large cells would be cut by their edges
    ...(hasScenes ? { scenes } : {}),
    files,
    diameter,
    scaleRange: 0,
    cropSize: SIZE_CROP,
    seed: spec.seed + Math.round(diameter),
  }, 1);
  try {
    for (let i = 0; i < SIZE_BATCHES; i++) yield await opened.get(i);
  } finally {
    opened.close();
  }
}
