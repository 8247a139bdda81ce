/**
 * The report's experiments: its scenes, as far as it describes them, and the
 * numbers it published.
 *
 * @module
 */
import type { SceneOptions } from "../../shared/synthetic/mod.ts";

/** One row of Table 4. */
export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly scene: SceneOptions;
  /** Mean IoU that the report gives. */
  readonly published: number;
}

/** Table 4. Line-like cells are rods; the report says no more than the aspect. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "Ex1",
    what: "mixed shapes, 12 cells, overlap 0.6",
    scene: { shape: "mixed", count: 12, overlap: 0.6 },
    published: 0.994,
  },
  {
    name: "Ex2",
    what: "ellipses, 10 cells, overlap 0.8",
    scene: { shape: "ellipse", count: 10, overlap: 0.8 },
    published: 1,
  },
  {
    name: "Ex3",
    what: "aspect 4–6, 8 cells, overlap 0.2",
    scene: { shape: "rod", aspect: [4, 6], count: 8, overlap: 0.2 },
    published: 0.987,
  },
  {
    name: "Ex4",
    what: "aspect 5–8, 10 cells, overlap 0.3",
    scene: { shape: "rod", aspect: [5, 8], count: 10, overlap: 0.3 },
    published: 0.98,
  },
  {
    name: "Ex5",
    what: "dense circles, 30 cells, overlap 0.7",
    scene: { shape: "circle", count: 30, overlap: 0.7 },
    published: 0.834,
  },
  {
    name: "Ex6",
    what: "aspect 8–12, 6 cells, overlap 0.1",
    scene: { shape: "rod", aspect: [8, 12], count: 6, overlap: 0.1 },
    published: 0.891,
  },
  {
    name: "Ex7",
    what: "extreme overlap 0.95, mixed shapes, 10 cells",
    scene: { shape: "mixed", count: 10, overlap: 0.95 },
    published: 0.976,
  },
];

/** Figures 5 and 6; the report gives 20 cells, and no shape or overlap. */
export const FIGURE_SCENE: SceneOptions = {
  shape: "mixed",
  count: 20,
  overlap: 0.5,
};

/** Figure 5: N = 20; the report names one count and the mean IoU of each eps. */
export const FIGURE_5 = [
  { eps: 0.5, published: "6 FP", iou: 0.747 },
  { eps: 1.5, published: "18 TP", iou: 0.873 },
  { eps: 5, published: "4 FN", iou: 0.786 },
] as const;

/** Steps of Figure 5. */
export const FIGURE_5_STEPS = 20;

/** Figure 6: mean IoU against the number of steps, a curve for each eps. */
export const FIGURE_6_EPS = [0.5, 1.5, 3, 5] as const;
export const FIGURE_6_STEPS = [
  ...[0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80],
  ...[100, 120, 140, 150, 160, 180, 200],
];
