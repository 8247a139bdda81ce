/**
 * Cleaning of label images, slow and obvious: one label at a time over the
 * whole image, sets and queues.
 *
 * @module
 */

/** D×H×W; an image has depth 1. */
export type Shape = readonly [depth: number, height: number, width: number];

/** Labels 1 … N by first pixel. */
export function relabel(masks: ArrayLike<number>): number[] {
  const ids = new Map([[0, 0]]);
  return Array.from(masks, (label) => {
    if (!ids.has(label)) ids.set(label, ids.size);
    return ids.get(label)!;
  });
}

/** Labels 1 … N by old id. */
export function rank(masks: ArrayLike<number>): number[] {
  const ids = [...new Set([0, ...Array.from(masks)])].sort((a, b) => a - b);
  return Array.from(masks, (label) => ids.indexOf(label));
}

/** Erase labels of which `isDropped(pixels)` is true. */
export function removeBySize(
  masks: ArrayLike<number>,
  isDropped: (pixels: number) => boolean,
): number[] {
  const pixels = new Map<number, number>();
  for (const label of Array.from(masks)) {
    pixels.set(label, (pixels.get(label) ?? 0) + 1);
  }
  return relabel(
    Array.from(masks, (label) => isDropped(pixels.get(label)!) ? 0 : label),
  );
}

/** Whether pixel i is at an edge; `zEdges`: first and last planes are too. */
function isEdge(i: number, [d, h, w]: Shape, zEdges: boolean): boolean {
  const x = i % w;
  const y = Math.floor(i / w) % h;
  const z = Math.floor(i / w / h);
  return x === 0 || x === w - 1 || y === 0 || y === h - 1 ||
    zEdges && (z === 0 || z === d - 1);
}

/** Erase labels with a pixel at an edge. */
export function removeEdge(
  masks: ArrayLike<number>,
  shape: Shape,
  zEdges: boolean,
): number[] {
  const all = Array.from(masks);
  const cut = new Set(all.filter((_, i) => isEdge(i, shape, zEdges)));
  return rank(all.map((label) => cut.has(label) ? 0 : label));
}

/**
 * Pixels reached from the starts through pixels that pass.
 *
 * @param corners  also step over edges and corners
 */
function flood(
  starts: number[],
  passes: (i: number) => boolean,
  [d, h, w]: Shape,
  corners: boolean,
): Set<number> {
  const reached = new Set(starts.filter(passes));
  for (const i of reached) {
    const x = i % w;
    const y = Math.floor(i / w) % h;
    const z = Math.floor(i / w / h);
    for (let dz = -1; dz <= 1; dz++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const steps = Math.abs(dz) + Math.abs(dy) + Math.abs(dx);
          if (steps === 0 || steps > 1 && !corners) continue;
          if (z + dz < 0 || z + dz >= d || y + dy < 0 || y + dy >= h) continue;
          if (x + dx < 0 || x + dx >= w) continue;
          const j = i + (dz * h + dy) * w + dx;
          if (passes(j)) reached.add(j);
        }
      }
    }
  }
  return reached;
}

/** Pixels that a label separates from the border of the image. */
function holesOf(masks: number[], label: number, shape: Shape): number[] {
  const all = masks.map((_, i) => i);
  const border = all.filter((i) => isEdge(i, shape, shape[0] > 1));
  const outside = flood(border, (i) => masks[i] !== label, shape, false);
  return all.filter((i) => masks[i] !== label && !outside.has(i));
}

/** As Cellpose: ascending labels take everything in their holes. */
export function fillHolesParity(
  masks: ArrayLike<number>,
  shape: Shape,
  minSize: number,
): number[] {
  const removeSmall = (all: number[]) => {
    if (minSize <= 0) return all;
    // the smallest value counts as background, whatever it is
    const smallest = all.reduce((a, b) => Math.min(a, b));
    return relabel(all.map((label) => {
      const pixels = all.filter((other) => other === label).length;
      return label !== smallest && pixels < minSize ? 0 : label;
    }));
  };
  const out = rank(removeSmall(Array.from(masks)));
  const count = out.reduce((a, b) => Math.max(a, b), 0);
  for (let label = 1; label <= count; label++) {
    for (const i of holesOf(out, label, shape)) out[i] = label;
  }
  return removeSmall(out);
}

/** Background pixels in holes go to the label with the smallest box. */
export function fillHoles(
  masks: ArrayLike<number>,
  shape: Shape,
  minSize: number,
): number[] {
  const before = removeBySize(masks, (pixels) => pixels < minSize);
  const out = [...before];
  const labels = [...new Set(before)].filter((label) => label > 0);
  const boxes = new Map(labels.map((k) => [k, boxPixels(before, k, shape)]));
  labels.sort((a, b) => boxes.get(a)! - boxes.get(b)! || a - b);
  for (const label of labels) {
    for (const i of holesOf(before, label, shape)) {
      if (out[i] === 0) out[i] = label;
    }
  }
  return out;
}

function boxPixels(masks: number[], label: number, [, h, w]: Shape): number {
  const at = masks.flatMap((other, i) => other === label ? [i] : []);
  const extent = (values: number[]) =>
    Math.max(...values) - Math.min(...values) + 1;
  return extent(at.map((i) => i % w)) *
    extent(at.map((i) => Math.floor(i / w) % h)) *
    extent(at.map((i) => Math.floor(i / w / h)));
}

/** Connected components of each label, or the largest of each. */
export function splitLabels(
  masks: ArrayLike<number>,
  shape: Shape,
  { corners, largest }: { corners: boolean; largest: boolean },
): number[] {
  const all = Array.from(masks);
  const parts: { label: number; pixels: Set<number> }[] = [];
  const seen = new Set<number>();
  all.forEach((label, i) => {
    if (label === 0 || seen.has(i)) return;
    const pixels = flood([i], (j) => all[j] === label, shape, corners);
    pixels.forEach((j) => seen.add(j));
    parts.push({ label, pixels });
  });
  const out = all.map(() => 0);
  parts.forEach(({ label, pixels }, k) => {
    const rivals = parts.filter((part) => part.label === label);
    const most = Math.max(...rivals.map((part) => part.pixels.size));
    const best = rivals.find((part) => part.pixels.size === most);
    if (largest && best?.pixels !== pixels) return;
    pixels.forEach((i) => out[i] = k + 1);
  });
  return relabel(out);
}
