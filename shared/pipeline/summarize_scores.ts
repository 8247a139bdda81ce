/**
 * Scores of several images in one.
 *
 * @module
 */
import { type MaskScores, poolPrecision } from "../../wasm/mod.ts";

/** Totals: AP of all cells together, and the means over images. */
export function summarizeScores(all: readonly MaskScores[]) {
  const mean = (values: number[]) =>
    values.reduce((a, b) => a + b, 0) / values.length;
  const kinds = all[0].aji.map(({ kind }) => kind);
  const scales = all[0].boundary.map(({ scale }) => scale);
  const isFlat = all.every(({ boundary }) => boundary.length > 0);
  return {
    cells: {
      truth: all.reduce((sum, s) => sum + s.cells.truth, 0),
      prediction: all.reduce((sum, s) => sum + s.cells.prediction, 0),
    },
    precision: poolPrecision(all.map(({ precision }) => precision)),
    meanPrecision: all[0].precision.map(({ threshold }, i) => ({
      threshold,
      ap: mean(all.map(({ precision }) => precision[i].ap)),
    })),
    aji: kinds.map((kind, i) => ({
      kind,
      aji: mean(all.map(({ aji }) => aji[i].aji)),
    })),
    panoptic: {
      pq: mean(all.map(({ panoptic }) => panoptic.pq)),
      sq: mean(all.map(({ panoptic }) => panoptic.sq)),
      rq: mean(all.map(({ panoptic }) => panoptic.rq)),
    },
    boundary: isFlat
      ? scales.map((scale, i) => ({
        scale,
        f: mean(all.map(({ boundary }) => boundary[i].f)),
      }))
      : [],
  };
}
