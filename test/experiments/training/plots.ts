/**
 * Plots of the experiments with training, as SVG.
 *
 * @module
 */
import { draw } from "../vega.ts";
import type { LoopRow } from "./human_loop.ts";
import { TUNED } from "./draws.ts";
import type { KindTunings } from "./tuning.ts";

/** A point of a curve. */
interface Point {
  readonly x: number;
  readonly y: number;
  readonly kind: string;
}

/** Colors of ten kinds, which differ in lightness, too. */
const SCHEME = "tableau10";

/** Figure 8: loss against the epoch, means over draws. */
export function plotLoss(kinds: readonly KindTunings[]): Promise<string> {
  const points = kinds.flatMap(({ kind, tunings }) => {
    const own = tunings.filter(({ images }) => images === TUNED);
    const epochs = Math.min(...own.map(({ losses }) => losses.length));
    if (own.length === 0) return [];
    return Array.from({ length: epochs }, (_, x) => ({
      x: x + 1,
      y: mean(own.map(({ losses }) => losses[x])),
      kind,
    }));
  });
  return plot(points, { x: "epoch", y: "loss", isZeroBased: false, dots: 0 });
}

/** Figure 9: AP50 against the number of corrected images, or their cells. */
export function plotCurve(
  kinds: readonly KindTunings[],
  of: "images" | "cells",
): Promise<string> {
  const points = kinds.flatMap(({ kind, tunings }) => {
    if (tunings.length === 0) return [];
    const groups = Map.groupBy(tunings, ({ images }) => images);
    const before = mean(tunings.map((tuning) => tuning.before));
    return [
      { x: 0, y: before, kind },
      ...[...groups.values()].map((each) => ({
        x: mean(each.map((tuning) => tuning[of])),
        y: mean(each.map(({ after }) => after)),
        kind,
      })),
    ].sort((a, b) => a.x - b.x);
  });
  return plot(points, { x: `corrected ${of}`, y: "AP50", isZeroBased: true });
}

/** Corrections that each round's image needs. */
export function plotLoop(rows: readonly LoopRow[]): Promise<string> {
  const points = rows.flatMap(({ kind, rounds }) =>
    rounds.map(({ round, cells, needed }) => ({
      x: round,
      y: needed / Math.max(1, cells),
      kind,
    }))
  );
  return plot(points, {
    x: "round",
    y: "corrections needed, per cell",
    isZeroBased: true,
  });
}

function plot(
  values: readonly Point[],
  { x, y, isZeroBased, dots = 30 }: {
    x: string;
    y: string;
    isZeroBased: boolean;
    /** Area of a point's mark; 0 for points that are too many to be marked. */
    dots?: number;
  },
): Promise<string> {
  return draw({
    width: 420,
    height: 240,
    data: { values: [...values] },
    mark: {
      type: "line",
      point: dots > 0 && { size: dots },
      strokeWidth: dots > 0 ? 1.6 : 1.2,
    },
    encoding: {
      // epochs, images, cells, rounds: none is a fraction
      x: {
        field: "x",
        type: "quantitative",
        title: x,
        axis: { tickMinStep: 1 },
      },
      y: {
        field: "y",
        type: "quantitative",
        title: y,
        scale: { zero: isZeroBased },
      },
      color: {
        field: "kind",
        type: "nominal",
        scale: { scheme: SCHEME },
        legend: { title: null, orient: "bottom", columns: 1, labelLimit: 0 },
      },
    },
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
