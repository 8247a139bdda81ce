/**
 * Borders of components as paths over pixel centers.
 *
 * They are followed in an image with a margin of one background pixel, whose
 * labels have two bits to spare for marks.
 */
import { allocate } from "./heap";
import { push } from "./list";

/** The bits of a pixel that hold its label. */
export const LABEL: u32 = 0x3fff_ffff;
/** The pixel is on a followed border. */
export const VISITED: u32 = 0x8000_0000;
/** The pixel's right neighbor was seen from a followed border: it is outside. */
export const RIGHT: u32 = 0x4000_0000;

/** Directions to start from: where the pixel is known to have no neighbor. */
export const EAST: i32 = 0;
export const WEST: i32 = 4;

/** Steps by direction (0 east, 2 north, 4 west, 6 south), plus 1, in two bits each. */
const STEP_X: u32 = 0x901a;
const STEP_Y: u32 = 0xa901;

/**
 * Copy labels into a margin of background.
 *
 * out     (h+2)×(w+2) u32
 * labels  h×w u32
 *
 * Source: ours.
 */
export function padLabels(out: usize, labels: usize, h: i32, w: i32): void {
  const row = usize(w) << 2;
  memory.fill(out, 0, row + 8);
  let to = out + row + 8;
  for (let y = 0; y < h; y++) {
    store<u32>(to, 0);
    memory.copy(to + 4, labels + usize(y) * row, row);
    store<u32>(to + row, 0, 4);
    to += row + 8;
  }
  memory.fill(to, 0, row + 8);
}

/**
 * Follow one border of an 8-connected component, and mark its pixels.
 *
 * at     u32  address of the border's first pixel in raster order
 * row    u32  bytes of a row, margin included
 * from   i32  `WEST`: the pixel begins an outer border; `EAST`: the pixel ends
 *             before a hole
 * y x    i32  position of that pixel
 * list   u32  takes y, x of each step, or 0
 *
 * returns     steps, or −2 without scratch memory
 *
 * Source: Suzuki & Abe 1985, algorithm 1, with the step order of OpenCV 5.0
 *   findContours (RETR_EXTERNAL, CHAIN_APPROX_NONE).
 * Differs: nothing.
 */
export function followBorder(
  at: usize, row: usize, from: i32, y: i32, x: i32, list: usize,
): i32 {
  const label = load<u32>(at) & LABEL;
  let s = from;
  do s = (s - 1) & 7;
  while (s != from && (load<u32>(at + stepBytes(s, row)) & LABEL) != label);
  if (s == from) {
    store<u32>(at, load<u32>(at) | VISITED | RIGHT);
    return list == 0 || push(list, y, x) ? 1 : -2;
  }

  const second = at + stepBytes(s, row);
  let here = at;
  let count = 0;
  while (true) {
    count++;
    // the next pixel of the component, counterclockwise
    let t = s;
    let next: usize;
    do next = here + stepBytes(++t & 7, row);
    while ((load<u32>(next) & LABEL) != label);
    // beyond 8 the search has passed the east neighbor
    store<u32>(here, load<u32>(here) | VISITED | (t > 8 ? RIGHT : 0));
    if (list != 0 && !push(list, y, x)) return -2;
    if (next == at && here == second) return count;
    y += stepOf(STEP_Y, t & 7);
    x += stepOf(STEP_X, t & 7);
    here = next;
    s = (t + 4) & 7;
  }
}

/**
 * States of labels 1 … count in the row being scanned: whether the label's
 * last border pixel leads into it, so that what follows is the label itself
 * or lies in a hole of it. Returns their address or 0.
 */
export function createStates(count: i32): usize {
  const bytes = (usize(count) + 1) << 2;
  const states = allocate(bytes);
  if (states != 0) memory.fill(states, 0, bytes);
  return states;
}

/** Whether row y ≥ 1 is inside the label's outer border here. */
export function isInside(states: usize, label: u32, y: i32): bool {
  return load<u32>(states + (usize(label) << 2)) == (u32(y) << 1 | 1);
}

/** Note a border pixel of a label in row y. */
export function setState(states: usize, label: u32, y: i32, inside: bool): void {
  store<u32>(states + (usize(label) << 2), u32(y) << 1 | u32(inside));
}

function stepOf(steps: u32, direction: i32): i32 {
  return i32((steps >> u32(direction << 1)) & 3) - 1;
}

function stepBytes(direction: i32, row: usize): usize {
  return usize(stepOf(STEP_Y, direction)) * row +
    usize(stepOf(STEP_X, direction) << 2);
}
