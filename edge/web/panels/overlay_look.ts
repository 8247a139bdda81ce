/**
 * What the store says of the overlay, as the viewer draws it.
 *
 * @module
 */
import {
  cellColors,
  type Cells,
  type Doc,
  opacity,
  planeOf,
  selected,
  showMasks,
  showOutlines,
  showTruth,
} from "../store.ts";
import {
  labelTable,
  mapColor,
  pack,
  stableColor,
  VERDICTS,
} from "../view/colors.ts";
import type { OverlayLook } from "../view/overlay.ts";
import type { Scores } from "../work/cells.ts";

/** The overlay of an image's chosen plane. */
export function overlayOf(image: Doc | undefined): OverlayLook {
  if (image === undefined) return { hasOutlines: false };
  const state = planeOf(image);
  const cells = state.cells.value;
  const truth = showTruth.value ? state.truth.value : undefined;
  const scores = state.scores.value;
  const isDifference = cellColors.value === "difference" &&
    scores !== undefined;
  const alpha = Math.round(255 * opacity.value);
  return {
    ...(cells ? { masks: cells.masks } : {}),
    ...(cells && showMasks.value
      ? { fill: highlight(fillOf(cells, isDifference ? scores : undefined)) }
      : {}),
    hasOutlines: showOutlines.value,
    ...(truth ? { truth } : {}),
    ...(truth && isDifference
      ? { truthFill: missed(scores.ofTruth, alpha) }
      : {}),
  };
}

/** The last table of colors: edits and selections leave it as it is. */
let lastFill:
  | { readonly key: readonly unknown[]; readonly table: Uint32Array }
  | undefined;

/** Color of each label. */
function fillOf(cells: Cells, scores: Scores | undefined): Uint32Array {
  const { colors, confidence } = cells;
  const alpha = Math.round(255 * opacity.value);
  const by = cellColors.value;
  const key = [colors, by, by === "confidence" ? confidence : 0, scores, alpha];
  if (lastFill?.key.every((each, i) => each === key[i])) return lastFill.table;
  const verdicts = new Map(scores?.verdicts);
  const colorAt = (label: number) => {
    if (scores) return VERDICTS[verdicts.get(label) ?? "fp"].color;
    if (by === "confidence") return mapColor(confidence?.[label - 1] ?? 0);
    return stableColor(colors[label]);
  };
  const table = labelTable(colors.length - 1, colorAt, alpha);
  lastFill = { key, table };
  return table;
}

/** White for what is selected. */
function highlight(table: Uint32Array): Uint32Array {
  if (selected.value.length === 0) return table;
  const alpha = Math.round(255 * opacity.value);
  const out = table.slice();
  for (const label of selected.value) out[label] = pack([255, 255, 255], alpha);
  return out;
}

function missed(
  labels: readonly (readonly [number, string])[],
  alpha: number,
): Uint32Array {
  const top = labels.reduce((most, [label]) => Math.max(most, label), 0);
  const isMissed = new Set(labels.map(([label]) => label));
  const table = labelTable(top, () => VERDICTS.fn.color, alpha);
  return table.map((color, label) => isMissed.has(label) ? color : 0);
}
