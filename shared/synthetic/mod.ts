/**
 * Synthetic scenes: labels that are known exactly, and images of them.
 *
 * ```ts
 * const scene = generateScene(1, { shape: "mixed", count: 12, overlap: 0.6 });
 * const image = renderMicrograph(scene.labels, scene.size, 1);
 * ```
 *
 * Every number comes from integer arithmetic, + − × ÷ and √: the same seed gives
 * the same scene in every engine.
 *
 * @module
 */
export { createRandom, type Random } from "./random.ts";
export {
  type Micrograph,
  type Modality,
  renderMicrograph,
  type RenderOptions,
} from "./render.ts";
export { generateScene, type Scene, type SceneOptions } from "./scene.ts";
export type { Cell, ShapeKind } from "./shapes.ts";
export {
  renderTrainingScene,
  TRAINING_KINDS,
  type TrainingKind,
  type TrainingScene,
  type TrainingSceneOptions,
} from "./training/mod.ts";
