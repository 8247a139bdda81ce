/**
 * Colors of what is drawn over an image.
 *
 * @module
 */
import { colorOf } from "../../../shared/image/overlay.ts";
import type { Color } from "../../../shared/image/types.ts";
import type { Packed } from "../edit/packed.ts";

/** Truth: solid purple. Prediction: dashed yellow. */
export const TRUTH: Color = [190, 80, 255];
export const PREDICTION: Color = [255, 225, 25];

/** What became of a cell when compared with truth. */
export const VERDICTS = {
  tp: { color: [70, 190, 90], title: "found (TP)" },
  fp: { color: [240, 130, 30], title: "spurious (FP)" },
  fn: { color: [215, 60, 140], title: "missed (FN)" },
  split: { color: [60, 150, 240], title: "split" },
  merge: { color: [235, 215, 70], title: "merged" },
} as const satisfies Record<string, { color: Color; title: string }>;

/** A cell's verdict. */
export type Verdict = keyof typeof VERDICTS;

/** Points of a map from dark blue over green to yellow, even in lightness. */
const MAP: readonly Color[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

/** The color of a value from 0 to 1; low is dark, high is bright. */
export function mapColor(value: number): Color {
  const at = Math.min(1, Math.max(0, value || 0)) * (MAP.length - 1);
  const k = Math.min(MAP.length - 2, Math.floor(at));
  const part = at - k;
  const mix = (c: number) =>
    Math.round(MAP[k][c] + (MAP[k + 1][c] - MAP[k][c]) * part);
  return [mix(0), mix(1), mix(2)];
}

/** A pixel of canvas memory: bytes R, G, B, A on little-endian machines. */
export function pack([r, g, b]: Color, alpha: number): number {
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** Colors of labels by number, as pixels; 0 is clear. */
export function labelTable(
  top: number,
  colorAt: (label: number) => Color,
  alpha: number,
): Uint32Array {
  const table = new Uint32Array(top + 1);
  for (let label = 1; label <= top; label++) {
    table[label] = pack(colorAt(label), alpha);
  }
  return table;
}

/**
 * Carry the colors of cells over to new masks: a cell keeps the color of the
 * cell that was where it is.
 *
 * @param before  masks, and the color number of each label
 * @param after   masks of the same image
 * @param top     largest label of `after`
 * @returns       color number of each label of `after`
 */
export function carryColors(
  before: { packed: Packed; colors: Uint32Array } | undefined,
  after: Packed,
  top: number,
): Uint32Array {
  if (before === undefined) return Uint32Array.from({ length: top + 1 }, at);
  const colors = new Uint32Array(top + 1);
  const most = before.colors.reduce((a, b) => Math.max(a, b), 0);
  const taken = new Uint8Array(most + top + 2);
  eachShared(before.packed, after, (old, label) => {
    if (label === 0 || old === 0 || colors[label] !== 0) return;
    const color = before.colors[old] ?? 0;
    if (color === 0 || taken[color] === 1) return;
    colors[label] = color;
    taken[color] = 1;
  });
  let next = 1;
  for (let label = 1; label <= top; label++) {
    if (colors[label] !== 0) continue;
    while (taken[next] === 1) next++;
    colors[label] = next++;
  }
  return colors;
}

const at = (_: unknown, label: number): number => label;

/** Visit the labels that two images have at the same pixels, a run at a time. */
function eachShared(
  a: Packed,
  b: Packed,
  visit: (labelA: number, labelB: number) => void,
): void {
  let [i, j, endA, endB] = [0, 0, a[0], b[0]];
  while (i < a.length && j < b.length) {
    visit(a[i + 1], b[j + 1]);
    const end = Math.min(endA, endB);
    if (endA === end) endA += a[i += 2];
    if (endB === end) endB += b[j += 2];
  }
}

/** The color of a color number. */
export const stableColor: (number: number) => Color = colorOf;
