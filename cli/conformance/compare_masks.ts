/**
 * Compare two label images, pixel by pixel and cell by cell.
 *
 * Plain code on purpose: it must not rest on the core that it judges.
 *
 * @module
 */
import type { Check } from "./check.ts";

/** Pixels shared by a label of ours and a label of theirs. */
interface Pair {
  readonly ours: number;
  readonly theirs: number;
  readonly pixels: number;
}

/**
 * Require that nearly all pixels agree up to renumbering.
 *
 * Labels are paired one to one, the largest overlap first; background pairs
 * with background. The error is the part of all pixels outside these pairs.
 *
 * @param limit  part of the pixels that may differ
 */
export function sameUpToRenumbering(
  name: string,
  { ours, theirs, limit }: {
    ours: Uint32Array;
    theirs: Uint32Array;
    limit: number;
  },
): Check {
  const unit = "part of the pixels that differ up to renumbering";
  if (ours.length !== theirs.length) {
    return { name, error: Infinity, limit, unit };
  }
  const pairs = countPairs(ours, theirs);
  pairs.sort((a, b) => b.pixels - a.pixels);
  const taken = [new Set<number>([0]), new Set<number>([0])];
  let same = pairs.find((p) => p.ours === 0 && p.theirs === 0)?.pixels ?? 0;
  for (const pair of pairs) {
    if (taken[0].has(pair.ours) || taken[1].has(pair.theirs)) continue;
    taken[0].add(pair.ours);
    taken[1].add(pair.theirs);
    same += pair.pixels;
  }
  return { name, error: 1 - same / ours.length, limit, unit };
}

/**
 * Require the same number of cells, each with its partner at IoU ≥ 0.9, which
 * is AP@0.9 = 1 against the peer's.
 */
export function sameCells(
  name: string,
  ours: Uint32Array,
  theirs: Uint32Array,
): Check[] {
  const [areas, theirAreas] = [countAreas(ours), countAreas(theirs)];
  const cells = Math.max(areas.size, theirAreas.size);
  let matched = 0;
  for (const pair of countPairs(ours, theirs)) {
    const area = areas.get(pair.ours);
    const theirArea = theirAreas.get(pair.theirs);
    if (area === undefined || theirArea === undefined) continue;
    // pairs above one half are unique, so no matching is needed
    if (pair.pixels / (area + theirArea - pair.pixels) >= 0.9) matched++;
  }
  return [
    {
      name: `${name} count`,
      error: Math.abs(areas.size - theirAreas.size),
      limit: 0,
      unit: "cells more or fewer",
    },
    {
      name: `${name} AP@0.9`,
      error: cells - matched,
      limit: 0,
      unit: "cells without a partner at IoU 0.9",
    },
  ];
}

function countPairs(ours: Uint32Array, theirs: Uint32Array): Pair[] {
  const counts = new Map<number, Map<number, number>>();
  for (let i = 0; i < ours.length; i++) {
    let row = counts.get(ours[i]);
    if (row === undefined) counts.set(ours[i], row = new Map());
    row.set(theirs[i], (row.get(theirs[i]) ?? 0) + 1);
  }
  return [...counts].flatMap(([label, row]) =>
    [...row].map(([other, pixels]) => ({ ours: label, theirs: other, pixels }))
  );
}

function countAreas(labels: Uint32Array): Map<number, number> {
  const areas = new Map<number, number>();
  for (const label of labels) {
    if (label !== 0) areas.set(label, (areas.get(label) ?? 0) + 1);
  }
  return areas;
}
