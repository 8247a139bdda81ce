/**
 * The report's scenes, by what it tells of them.
 *
 * @module
 */
import type { SceneOptions } from "../../../shared/synthetic/mod.ts";

/** A scene with its name. */
export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly scene: SceneOptions;
}

/** Experiments 1–7. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "Ex1",
    what: "mixed shapes, 12 cells, overlap 0.6",
    scene: { shape: "mixed", count: 12, overlap: 0.6 },
  },
  {
    name: "Ex2",
    what: "ellipses, 10 cells, overlap 0.8",
    scene: { shape: "ellipse", count: 10, overlap: 0.8 },
  },
  {
    name: "Ex3",
    what: "aspect 4–6, 8 cells, overlap 0.2",
    scene: { shape: "rod", aspect: [4, 6], count: 8, overlap: 0.2 },
  },
  {
    name: "Ex4",
    what: "aspect 5–8, 10 cells, overlap 0.3",
    scene: { shape: "rod", aspect: [5, 8], count: 10, overlap: 0.3 },
  },
  {
    name: "Ex5",
    what: "dense circles, 30 cells, overlap 0.7",
    scene: { shape: "circle", count: 30, overlap: 0.7 },
  },
  {
    name: "Ex6",
    what: "aspect 8–12, 6 cells, overlap 0.1",
    scene: { shape: "rod", aspect: [8, 12], count: 6, overlap: 0.1 },
  },
  {
    name: "Ex7",
    what: "extreme overlap 0.95, mixed shapes, 10 cells",
    scene: { shape: "mixed", count: 10, overlap: 0.95 },
  },
];

/** Neighborhoods of Figure 5, after 20 steps. */
export const FIGURE_5_EPS = [0.5, 1.5, 5] as const;
export const FIGURE_5_STEPS = 20;

/** Curves of Figure 6: mean IoU against steps. */
export const FIGURE_6_EPS = [0.5, 1.5, 3, 5] as const;
export const FIGURE_6_STEPS = [0, 5, 10, 20, 30, 40, 60, 80, 100, 140, 200];

/** The scene of both: the report gives 20 cells, and no shape or overlap. */
export const FIGURE_SCENE: SceneOptions = {
  shape: "mixed",
  count: 20,
  overlap: 0.5,
};
