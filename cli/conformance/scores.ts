/**
 * Scores of the peer's masks against the labels, and facts of the labels.
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  getArray,
  getLabels,
  getNumbers,
  hasArrays,
  sizeOf,
} from "./case.ts";
import { type Check, closely, exactly } from "./check.ts";

const LIMIT = 1e-6;

/** Cellpose's scales of `boundary`, in diameters. */
const SCALES = [1, 2];

/**
 * Check `ap`, `tp`, `fp`, `fn` at `thresholds`, `aji` and `boundary` of
 * `masks` against `labels`, to 1e-6; `outline` (exact) and `diameter` of
 * `labels`.
 */
export function checkScores(core: Core, from: Case): Check[] {
  if (!hasArrays(from, "labels")) return [];
  const size = sizeOf(getArray(from, "labels", 2).shape);
  const labels = getLabels(from, "labels");
  const checks: Check[] = [];
  if (hasArrays(from, "masks")) {
    const masks = getLabels(from, "masks");
    const pair = { labels, masks, size };
    checks.push(
      ...checkPrecision(core, from, pair),
      ...checkJaccard(core, from, pair),
      ...checkBoundary(core, from, pair),
    );
  }
  if (hasArrays(from, "outline")) {
    const theirs = getLabels(from, "outline");
    checks.push(exactly("outline", core.outlines(labels, size), theirs));
  }
  if ("diameter" in from.facts) {
    const { diameter } = core.estimateDiameter(labels, size);
    checks.push(
      closely("diameter", [diameter], getNumbers(from, "diameter"), LIMIT),
    );
  }
  return checks;
}

interface Pair {
  readonly labels: Uint32Array;
  readonly masks: Uint32Array;
  readonly size: Size;
}

function checkPrecision(
  core: Core,
  from: Case,
  { labels, masks, size }: Pair,
): Check[] {
  if (!("thresholds" in from.facts)) return [];
  const thresholds = getNumbers(from, "thresholds");
  const ours = core.averagePrecision(labels, masks, size, thresholds, {
    parity: true,
  });
  return (["ap", "tp", "fp", "fn"] as const)
    .filter((name) => name in from.facts)
    .map((name) => {
      const values = ours.map((row) => row[name]);
      return closely(name, values, getNumbers(from, name), LIMIT);
    });
}

function checkJaccard(
  core: Core,
  from: Case,
  { labels, masks, size }: Pair,
): Check[] {
  if (!("aji" in from.facts)) return [];
  const { aji } = core.aggregatedJaccard(labels, masks, size, {
    kind: "cellpose",
  });
  // 0/0 in the peer, where neither image has a cell, is 1 in the core
  const theirs = getNumbers(from, "aji").map((v) => Number.isNaN(v) ? 1 : v);
  return [closely("aji", [aji], theirs, LIMIT)];
}

function checkBoundary(
  core: Core,
  from: Case,
  { labels, masks, size }: Pair,
): Check[] {
  if (!("boundary" in from.facts)) return [];
  // precision, recall and F, each at every scale
  const theirs = getNumbers(from, "boundary");
  const ours = core.boundaryScores(labels, masks, size, {
    scales: SCALES,
    parity: true,
  });
  const values = (["precision", "recall", "f"] as const)
    .flatMap((name) => ours.map((row) => row[name]));
  return [closely("boundary", values, theirs, LIMIT)];
}
