/**
 * Contours of labels, as rings over pixel centers or along pixel sides.
 *
 * The rings are written as a stream on the scratch stack: a header of 16 bytes
 * (label u32, polygon u32, points u32, 1 for a hole), then the points (y, x),
 * i32. A polygon is one outer ring and its holes; the outer one comes first.
 *
 * found  4 u32  out, of every function here: rings, points in all, address of
 *               the stream, address after it
 *
 * The stream stays after the call: the caller's mark frees it.
 */
import { allocate } from "./heap";
import {
  createStates,
  EAST,
  followBorder,
  isInside,
  LABEL,
  padLabels,
  RIGHT,
  setState,
  VISITED,
  WEST,
} from "./border";
import { splitLabels } from "./components";
import {
  createList,
  cutList,
  HEADER_BYTES,
  listEnd,
  listStart,
  push,
} from "./list";
import { relabel } from "./relabel";
import { followSides } from "./sides";

/**
 * Trace the outer contours of labels over pixel centers; a component that lies
 * in a hole of its own label has none.
 *
 * found   4 u32
 * masks   h×w u32  any ids
 * longest i32      1: only each label's longest contour, of equals the one
 *                  that begins last; 0: all
 *
 * returns          rings, or −2 without scratch memory
 *
 * Source: OpenCV 5.0 findContours (RETR_EXTERNAL, CHAIN_APPROX_NONE), as
 *   Cellpose 4.2.1.1 utils.outlines_list uses it.
 * Differs: order of contours.
 */
export function traceOuter(
  found: usize, masks: usize, h: i32, w: i32, longest: i32,
): i32 {
  const row = usize(w + 2) << 2;
  const padded = allocate(usize(h + 2) * row);
  if (padded == 0) return -2;
  padLabels(padded, masks, h, w);
  const count = relabel(padded, (h + 2) * (w + 2));
  if (count < 0) return count;
  const states = createStates(count);
  // steps of each label's longest ring, and which one it is
  const bestBytes = (usize(count) + 1) << 3;
  const best = allocate(bestBytes);
  const list = createList();
  if (states == 0 || best == 0 || list == 0) return -2;
  memory.fill(best, 0, bestBytes);

  let rings: u32 = 0;
  for (let y = 0; y < h; y++) {
    let at = padded + usize(y + 1) * row + 4;
    for (let x = 0; x < w; x++, at += 4) {
      let pixel = load<u32>(at);
      if (pixel == 0) continue;
      const label = pixel & LABEL;
      if (
        !(pixel & VISITED) && (load<u32>(at - 4) & LABEL) != label &&
        !isInside(states, label, y + 1)
      ) {
        const ring = openRing(list, idAt(masks, w, y, x), rings++, 0);
        if (ring == 0) return -2;
        const steps = followBorder(at, row, WEST, y, x, list);
        if (steps < 0) return steps;
        closeRing(list, ring);
        if (longest) {
          // the compact label stands for the polygon until one ring is chosen
          store<u32>(ring, label, 4);
          const entry = best + (usize(label) << 3);
          if (u32(steps) >= load<u32>(entry)) {
            store<u32>(entry, u32(steps));
            store<u32>(entry, rings - 1, 4);
          }
        }
        pixel = load<u32>(at);
      }
      if (pixel & VISITED) setState(states, label, y + 1, !(pixel & RIGHT));
    }
  }
  if (longest) rings = keepLongest(list, best);
  return finish(found, list, rings);
}

/**
 * Trace outer contours and holes over pixel centers, of every 8-connected
 * component; a hole's ring runs over the label's pixels around it.
 *
 * found  4 u32
 * masks  h×w u32  any ids
 *
 * returns         rings, or −2 without scratch memory
 *
 * Source: Suzuki & Abe 1985, algorithm 1; OpenCV 5.0 findContours (RETR_CCOMP,
 *   CHAIN_APPROX_NONE).
 * Differs: order of contours.
 */
export function traceBorders(found: usize, masks: usize, h: i32, w: i32): i32 {
  const row = usize(w + 2) << 2;
  const padded = splitPadded(masks, h, w, 1);
  if (padded == 0) return -2;
  const list = createList();
  if (list == 0) return -2;

  let rings: u32 = 0;
  let seen: u32 = 0;
  for (let y = 0; y < h; y++) {
    let at = padded + usize(y + 1) * row + 4;
    for (let x = 0; x < w; x++, at += 4) {
      const label = load<u32>(at) & LABEL;
      if (label == 0) continue;
      // components are numbered as they are met
      for (let hole = 0; hole < 2; hole++) {
        if (hole == 0) {
          if (label <= seen) continue;
          seen = label;
        } else if (
          (load<u32>(at, 4) & LABEL) == label || load<u32>(at) & RIGHT
        ) continue;
        const ring = openRing(list, idAt(masks, w, y, x), label - 1, hole);
        if (ring == 0) return -2;
        if (followBorder(at, row, hole ? EAST : WEST, y, x, list) < 0) return -2;
        closeRing(list, ring);
        rings++;
      }
    }
  }
  return finish(found, list, rings);
}

/**
 * Trace the sides of pixels around every 4-connected component, and around its
 * holes; points are the corners where a ring turns.
 *
 * found  4 u32
 * masks  h×w u32  any ids
 * holes  i32      1: holes too; 0: outer rings only
 *
 * Rings are simple: no ring meets itself, also not at a corner. The enclosed
 * area, holes taken off, is the component's number of pixels.
 *
 * returns         rings, or −2 without scratch memory
 *
 * Source: ours.
 */
export function traceSides(
  found: usize, masks: usize, h: i32, w: i32, holes: i32,
): i32 {
  const row = usize(w + 2) << 2;
  const padded = splitPadded(masks, h, w, 0);
  if (padded == 0) return -2;
  const list = createList();
  if (list == 0) return -2;

  let rings: u32 = 0;
  let seen: u32 = 0;
  for (let y = 0; y < h; y++) {
    let at = padded + usize(y + 1) * row + 4;
    for (let x = 0; x < w; x++, at += 4) {
      const pixel = load<u32>(at);
      const label = pixel & LABEL;
      // every ring has a left side; it is found at its first one
      if (
        label == 0 || pixel & VISITED || (load<u32>(at - 4) & LABEL) == label
      ) continue;
      const isHole = label <= seen;
      if (isHole && !holes) continue;
      seen = max(seen, label);
      const ring = openRing(list, idAt(masks, w, y, x), label - 1, i32(isHole));
      if (ring == 0 || !followSides(at, row, y, x, list)) return -2;
      closeRing(list, ring);
      rings++;
    }
  }
  return finish(found, list, rings);
}

/** Labels with a margin, split into components; the address or 0. */
function splitPadded(masks: usize, h: i32, w: i32, full: i32): usize {
  const padded = allocate((usize(h + 2) * usize(w + 2)) << 2);
  if (padded == 0) return 0;
  padLabels(padded, masks, h, w);
  const count = relabel(padded, (h + 2) * (w + 2));
  if (count < 0) return 0;
  return splitLabels(padded, 1, h + 2, w + 2, count, full, 0) < 0 ? 0 : padded;
}

function idAt(masks: usize, w: i32, y: i32, x: i32): u32 {
  return load<u32>(masks + ((usize(y) * usize(w) + usize(x)) << 2));
}

/** Begin a ring in the stream; the address of its header or 0. */
function openRing(list: usize, id: u32, polygon: u32, isHole: u32): usize {
  const ring = listEnd(list);
  return push(list, id, polygon) && push(list, 0, isHole) ? ring : 0;
}

function closeRing(list: usize, ring: usize): void {
  store<u32>(ring, u32((listEnd(list) - ring - HEADER_BYTES) >> 3), 8);
}

/** Keep the rings that are their labels' longest; returns how many. */
function keepLongest(list: usize, best: usize): u32 {
  const end = listEnd(list);
  let to = listStart(list);
  let kept: u32 = 0;
  let i: u32 = 0;
  for (let ring = to; ring < end; i++) {
    const bytes = HEADER_BYTES + (usize(load<u32>(ring, 8)) << 3);
    const entry = best + (usize(load<u32>(ring, 4)) << 3);
    if (load<u32>(entry, 4) == i) {
      memory.copy(to, ring, bytes);
      store<u32>(to, kept++, 4);
      to += bytes;
    }
    ring += bytes;
  }
  cutList(list, to);
  return kept;
}

function finish(found: usize, list: usize, rings: u32): i32 {
  const bytes = listEnd(list) - listStart(list);
  store<u32>(found, rings);
  store<u32>(found, u32((bytes - usize(rings) * HEADER_BYTES) >> 3), 4);
  store<usize>(found, listStart(list), 8);
  store<usize>(found, listEnd(list), 12);
  return i32(rings);
}
