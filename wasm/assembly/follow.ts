/**
 * Follow the flows of an image: each point takes Euler steps to its sink.
 *
 * Two points share a vector (y, x, y, x), and sixteen vectors are advanced in
 * turn, so that the processor always has independent work. A point whose path
 * repeats with period two is finished by parity at once; its lane is refilled
 * with the next point.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` steps_interp: bilinear sampling with
 * zeros outside, then clamped to the image.
 * Differs: positions are rounded to 2^−14 pixels (`fixed.ts`).
 */
import { FRACTION_BITS, FRACTION_MASK } from "./fixed";
import { allocate, mark, release } from "./heap";

/** Vectors in flight: enough to cover the latency of a step. */
const SLOTS: i32 = 16;

/** A slot: position, position one step on, steps left, numbers of its two points. */
const SLOT_BYTES: usize = 64;
const MIDDLE: usize = 16;
const LEFT: usize = 32;
const POINT: usize = 48;

/** 1.5·2^23: adding it rounds an f32 to an integer in its low bits. */
const ROUND: f32 = 12582912.0;

/**
 * Advance points through packed flows.
 *
 * points   P×2 i32    in/out: (y, x) of `fixed.ts`, relative to the packed block
 * left     P i32      in/out: steps to go; where a point left the window it
 *                     keeps what is left. 0 = no such array: all take `niter`
 * settled  P u8       out: 1 where the path came to rest or repeats, else
 *                     unchanged; 0 = no such array
 * packed   (H+2)×(W+2)×2 f32   of `packFlows`
 * window   8 i32      y lowest, x lowest, y highest, x highest position (clamp),
 *                     then the same four beyond which a point is handed back
 * n w      i32        points; width of the packed block without its border
 * niter    i32        steps
 * early    i32        1 = stop at a path that repeats
 * returns  i32        0, or −2 where scratch memory is short
 */
export function followFlows(
  points: usize, left: usize, settled: usize, packed: usize, window: usize, n: i32, w: i32, niter: i32, early: i32,
): i32 {
  const start = mark();
  const slots = allocate(usize(SLOTS) * SLOT_BYTES);
  if (!slots) return -2;
  const row = usize(w + 2) << 3;
  const pitch = i32x4(i32(row), 8, i32(row), 8);
  const lo = v128.load64_splat(window);
  const hi = v128.load64_splat(window + 8);
  const keepLo = v128.load64_splat(window + 16);
  const keepHi = v128.load64_splat(window + 24);
  const two = i32x4.splat(2);
  const none = i32x4.splat(0);
  // where an idle lane waits: two steps on it is still within the packed block
  const rest = i64x2.extract_lane(i32x4.max_s(lo, keepLo), 0);
  const stopMask = i64x2.splat(early ? -1 : 0);

  let next = 0;
  let active = 0;
  const end = slots + usize(SLOTS) * SLOT_BYTES;
  for (let slot = slots; slot < end; slot += SLOT_BYTES) {
    for (let lane: usize = 0; lane < 2; lane++) {
      next = refill(slot, lane, points, left, next, n, niter, rest);
      if (load<i32>(slot + (lane << 2), POINT) >= 0) active++;
    }
  }

  while (active > 0) {
    for (let slot = slots; slot < end; slot += SLOT_BYTES) {
      v128.store(slot, step(v128.load(slot), packed, row, pitch, lo, hi), MIDDLE);
    }
    for (let slot = slots; slot < end; slot += SLOT_BYTES) {
      const before = v128.load(slot);
      const after = step(v128.load(slot, MIDDLE), packed, row, pitch, lo, hi);
      const remaining = i32x4.sub(v128.load(slot, LEFT), two);
      v128.store(slot, after);
      v128.store(slot, remaining, LEFT);
      const repeats = i64x2.eq(before, after);
      const stops = v128.and(repeats, stopMask);
      const outside = i32x4.ne(after, i32x4.max_s(i32x4.min_s(after, keepHi), keepLo));
      const expired = i32x4.le_s(remaining, none);
      if (!v128.any_true(v128.or(v128.or(stops, outside), expired))) continue;

      for (let lane: usize = 0; lane < 2; lane++) {
        const point = load<i32>(slot + (lane << 2), POINT);
        const at = slot + (lane << 3);
        if (point < 0) {
          idle(at, rest);
          continue;
        }
        const to = points + (usize(point) << 3);
        let steps = load<i32>(at, LEFT);
        const isRepeating = lane
          ? i64x2.extract_lane(repeats, 1) != 0
          : i64x2.extract_lane(repeats, 0) != 0;
        const isOutside = lane
          ? i64x2.extract_lane(outside, 1) != 0
          : i64x2.extract_lane(outside, 0) != 0;
        let final = load<i64>(at);
        if (steps <= 0 || (early && isRepeating)) {
          // an odd rest ends one step on; a path that repeats does so for good
          if (steps & 1) final = load<i64>(at, MIDDLE);
          steps = 0;
        } else if (!isOutside) {
          continue;
        }
        store<i64>(to, final);
        if (left) store<i32>(left + (usize(point) << 2), steps);
        if (settled && isRepeating) store<u8>(settled + usize(point), 1);
        next = refill(slot, lane, points, left, next, n, niter, rest);
        if (load<i32>(slot + (lane << 2), POINT) < 0) active--;
      }
    }
  }
  release(start);
  return 0;
}

/** Give a lane the next point that has steps to go; returns the point after it. */
function refill(
  slot: usize, lane: usize, points: usize, left: usize, next: i32, n: i32, niter: i32, rest: i64,
): i32 {
  const at = slot + (lane << 3);
  while (next < n) {
    const steps = left ? load<i32>(left + (usize(next) << 2)) : niter;
    if (steps > 0) {
      store<i64>(at, load<i64>(points + (usize(next) << 3)));
      store<i32>(at, steps, LEFT);
      store<i32>(at, steps, LEFT + 4);
      store<i32>(slot + (lane << 2), next, POINT);
      return next + 1;
    }
    next++;
  }
  store<i32>(slot + (lane << 2), -1, POINT);
  idle(at, rest);
  return next;
}

/** Put an idle lane in its place; without steps left it is seen to each time. */
function idle(at: usize, rest: i64): void {
  store<i64>(at, rest);
  store<i64>(at, 0, LEFT);
}

// @ts-ignore: decorator
@inline
function step(at: v128, packed: usize, row: usize, pitch: v128, lo: v128, hi: v128): v128 {
  // whole pixels give the addresses, the rest the weights
  const offset = i32x4.mul(i32x4.shr_s(at, FRACTION_BITS), pitch);
  const sum = i32x4.add(offset, v128.shuffle<i32>(offset, offset, 1, 0, 3, 2));
  const p0 = packed + usize(i32x4.extract_lane(sum, 0));
  const p1 = packed + usize(i32x4.extract_lane(sum, 2));
  const part = f32x4.mul(
    f32x4.convert_i32x4_s(v128.and(at, i32x4.splat(FRACTION_MASK))),
    f32x4.splat(1.0 / f32(FRACTION_MASK + 1)),
  );
  // between the rows
  const a0 = v128.load(p0);
  const a1 = v128.load(p1);
  const fy0 = v128.shuffle<i32>(part, part, 0, 0, 0, 0);
  const fy1 = v128.shuffle<i32>(part, part, 2, 2, 2, 2);
  const r0 = f32x4.add(a0, f32x4.mul(f32x4.sub(v128.load(p0 + row), a0), fy0));
  const r1 = f32x4.add(a1, f32x4.mul(f32x4.sub(v128.load(p1 + row), a1), fy1));
  // between the columns
  const west = v128.shuffle<i32>(r0, r1, 0, 1, 4, 5);
  const east = v128.shuffle<i32>(r0, r1, 2, 3, 6, 7);
  const fx = v128.shuffle<i32>(part, part, 1, 1, 3, 3);
  const flow = f32x4.add(west, f32x4.mul(f32x4.sub(east, west), fx));
  const whole = i32x4.sub(f32x4.add(flow, f32x4.splat(ROUND)), i32x4.splat(0x4b400000));
  return i32x4.max_s(i32x4.min_s(i32x4.add(at, whole), hi), lo);
}
