/**
 * Kind `holes`: `labels` → `out`, holes filled and small masks removed.
 *
 * Labels with gaps are renumbered first, as the peer needs it.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  getArray,
  getLabels,
  getNumber,
  hasArrays,
  sizeOf,
} from "./case.ts";
import { type Check, exactly } from "./check.ts";

/** Cellpose's default size below which masks are removed, in pixels. */
const MIN_SIZE = 15;

/** Check a case of this kind; exact. */
export function holes(core: Core, from: Case): Check[] {
  const size = sizeOf(getArray(from, "labels", 2, 3).shape);
  const minSize = getNumber(from, "min_size", MIN_SIZE);
  let labels = getLabels(from, "labels");
  const checks: Check[] = [];
  if (hasArrays(from, "labels_renumbered")) {
    const renumbered = getLabels(from, "labels_renumbered");
    const ours = core.relabel(labels, size).masks;
    checks.push(exactly("labels_renumbered", ours, renumbered));
    labels = renumbered;
  } else if (hasGaps(labels)) {
    labels = core.relabel(labels, size).masks;
  }
  const { masks } = core.fillHolesAndRemoveSmall(labels, size, {
    minSize,
    parity: true,
  });
  checks.push(exactly("out", masks, getLabels(from, "out")));
  return checks;
}

function hasGaps(labels: Uint32Array): boolean {
  const found = new Set(labels);
  found.delete(0);
  return labels.reduce((a, b) => Math.max(a, b), 0) > found.size;
}
