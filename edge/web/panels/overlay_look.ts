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
import {
  changedByColors,
  changedByRuns,
  type IsChanged,
} from "../view/changed.ts";
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

/** What was drawn last, as far as a change of it is looked at. */
let last:
  | { readonly cells: Cells | undefined; readonly key: readonly unknown[] }
  | undefined;

/**
 * What has changed since this was last asked; undefined: it may be all.
 *
 * Colors by number belong to cells, whose labels may change: what has the
 * color that it had looks as it did.
 */
export function changeOf(image: Doc | undefined): IsChanged | undefined {
  const state = image && planeOf(image);
  const cells = state?.cells.value;
  const isPlain = cellColors.value === "stable" && selected.value.length === 0;
  const key = [
    state,
    // anything else is drawn anew: no two are alike
    isPlain || {},
    showMasks.value,
    showOutlines.value,
    showTruth.value && state?.truth.value,
    opacity.value,
  ];
  const before = last;
  last = { cells, key };
  const isSame = before?.key.every((each, i) => each === key[i]);
  if (!isSame || !before?.cells || !cells) return undefined;
  const old = before.cells;
  if (old.areas === cells.areas) return () => false;
  const { size } = cells.masks;
  if (cells.edited?.areas === old.areas) {
    return changedByRuns(cells.edited.runs, size);
  }
  // masks that were edited since have other pixels than they had
  if (old.masks === cells.masks) return undefined;
  return changedByColors(
    { packed: old.masks.pack(), colors: old.colors },
    { packed: cells.masks.pack(), colors: cells.colors },
    size,
  );
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
