/**
 * Follow the flows of a volume: each point takes Euler steps to its sink.
 *
 * As `follow.ts`, with one point (z, y, x) a vector.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` steps_interp: trilinear sampling
 * with zeros outside, then clamped to the volume.
 * Differs: positions are rounded to 2^−14 pixels (`fixed.ts`).
 */
import { FRACTION_BITS, FRACTION_MASK } from "./fixed";
import { allocate, mark, release } from "./heap";

/** Vectors in flight: enough to cover the latency of a step. */
const SLOTS: i32 = 8;

/** A slot: position, position one step on, steps left, number of its point. */
const SLOT_BYTES: usize = 48;
const MIDDLE: usize = 16;
const LEFT: usize = 32;
const POINT: usize = 36;

/** 1.5·2^23: adding it rounds an f32 to an integer in its low bits. */
const ROUND: f32 = 12582912.0;

/**
 * Advance points through packed flows.
 *
 * points   P×3 i32    in/out: (z, y, x) of `fixed.ts`, relative to the packed block
 * left     P i32      in/out: steps to go; where a point left the window it
 *                     keeps what is left. 0 = no such array: all take `niter`
 * settled  P u8       out: 1 where the path came to rest or repeats, else
 *                     unchanged; 0 = no such array
 * packed   (D+2)×(H+2)×(W+2)×3 f32   of `packFlows`
 * window   16 i32     lowest and highest position (z, y, x, 0; clamp), then
 *                     the same beyond which a point is handed back
 * n h w    i32        points; size of a plane of the packed block without its border
 * niter    i32        steps
 * early    i32        1 = stop at a path that repeats
 * returns  i32        0, or −2 where scratch memory is short
 */
export function followFlows3d(
  points: usize, left: usize, settled: usize, packed: usize, window: usize, n: i32, h: i32, w: i32, niter: i32, early: i32,
): i32 {
  const start = mark();
  const slots = allocate(usize(SLOTS) * SLOT_BYTES);
  if (!slots) return -2;
  const row = usize(w + 2) * 12;
  const plane = usize(h + 2) * row;
  const pitch = i32x4(i32(plane), i32(row), 12, 0);
  const lo = v128.load(window);
  const hi = v128.load(window + 16);
  const keepLo = v128.load(window + 32);
  const keepHi = v128.load(window + 48);
  // where an idle slot waits: two steps on it is still within the packed block
  const rest = i32x4.max_s(lo, keepLo);

  let next = 0;
  let active = 0;
  const end = slots + usize(SLOTS) * SLOT_BYTES;
  for (let slot = slots; slot < end; slot += SLOT_BYTES) {
    v128.store(slot, rest);
    next = refill(slot, points, left, next, n, niter);
    if (load<i32>(slot, POINT) >= 0) active++;
  }

  while (active > 0) {
    for (let slot = slots; slot < end; slot += SLOT_BYTES) {
      v128.store(slot, step(v128.load(slot), packed, row, plane, pitch, lo, hi), MIDDLE);
    }
    for (let slot = slots; slot < end; slot += SLOT_BYTES) {
      const before = v128.load(slot);
      const after = step(v128.load(slot, MIDDLE), packed, row, plane, pitch, lo, hi);
      const remaining = load<i32>(slot, LEFT) - 2;
      v128.store(slot, after);
      store<i32>(slot, remaining, LEFT);
      const isRepeating = !v128.any_true(v128.xor(before, after));
      const isOutside = v128.any_true(i32x4.ne(after, i32x4.max_s(i32x4.min_s(after, keepHi), keepLo)));
      const isEnding = remaining <= 0 || (early != 0 && isRepeating);
      if (!isEnding && !isOutside) continue;

      const point = load<i32>(slot, POINT);
      if (point < 0) {
        v128.store(slot, rest);
        store<i32>(slot, 0, LEFT);
        continue;
      }
      let final = after;
      let steps = remaining;
      if (isEnding) {
        // an odd rest ends one step on; a path that repeats does so for good
        if (steps & 1) final = v128.load(slot, MIDDLE);
        steps = 0;
      }
      const to = points + usize(point) * 12;
      v128.store64_lane(to, final, 0);
      store<i32>(to, i32x4.extract_lane(final, 2), 8);
      if (left) store<i32>(left + (usize(point) << 2), steps);
      if (settled && isRepeating) store<u8>(settled + usize(point), 1);
      next = refill(slot, points, left, next, n, niter);
      if (load<i32>(slot, POINT) < 0) {
        v128.store(slot, rest);
        active--;
      }
    }
  }
  release(start);
  return 0;
}

/** Give a slot the next point that has steps to go; returns the point after it. */
function refill(slot: usize, points: usize, left: usize, next: i32, n: i32, niter: i32): i32 {
  while (next < n) {
    const steps = left ? load<i32>(left + (usize(next) << 2)) : niter;
    if (steps > 0) {
      const from = points + usize(next) * 12;
      store<i64>(slot, load<i64>(from));
      store<i64>(slot, i64(load<i32>(from, 8)), 8);
      store<i32>(slot, steps, LEFT);
      store<i32>(slot, next, POINT);
      return next + 1;
    }
    next++;
  }
  // an idle slot has no steps left, so that it is seen to each time
  store<i32>(slot, -1, POINT);
  store<i32>(slot, 0, LEFT);
  return next;
}

// @ts-ignore: decorator
@inline
function step(at: v128, packed: usize, row: usize, plane: usize, pitch: v128, lo: v128, hi: v128): v128 {
  // whole voxels give the address, the rest the weights
  const offset = i32x4.mul(i32x4.shr_s(at, FRACTION_BITS), pitch);
  const p = packed + usize(i32x4.extract_lane(offset, 0)) + usize(i32x4.extract_lane(offset, 1)) +
    usize(i32x4.extract_lane(offset, 2));
  const part = f32x4.mul(
    f32x4.convert_i32x4_s(v128.and(at, i32x4.splat(FRACTION_MASK))),
    f32x4.splat(1.0 / f32(FRACTION_MASK + 1)),
  );
  // between the planes, the rows, the columns
  const fz = v128.shuffle<i32>(part, part, 0, 0, 0, 0);
  const q = p + plane;
  const a00 = between(v128.load(p), v128.load(q), fz);
  const a01 = between(v128.load(p + 12), v128.load(q + 12), fz);
  const a10 = between(v128.load(p + row), v128.load(q + row), fz);
  const a11 = between(v128.load(p + row + 12), v128.load(q + row + 12), fz);
  const fy = v128.shuffle<i32>(part, part, 1, 1, 1, 1);
  const a0 = between(a00, a10, fy);
  const a1 = between(a01, a11, fy);
  const flow = between(a0, a1, v128.shuffle<i32>(part, part, 2, 2, 2, 2));
  const whole = i32x4.sub(f32x4.add(flow, f32x4.splat(ROUND)), i32x4.splat(0x4b400000));
  return i32x4.max_s(i32x4.min_s(i32x4.add(at, whole), hi), lo);
}

// @ts-ignore: decorator
@inline
function between(a: v128, b: v128, part: v128): v128 {
  return f32x4.add(a, f32x4.mul(f32x4.sub(b, a), part));
}
