/**
 * Follow the flows of a volume as PyTorch does on a CPU, bit for bit.
 *
 * Paths of a volume can be so close to neutral that any other rounding moves
 * their ends by pixels. PyTorch samples volumes one by one in f32, without
 * fused operations, so its rounding can be had here; that of images, which it
 * vectorizes, cannot. As `follow3d.ts`, but positions are f32 from −1 to 1.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` steps_interp over PyTorch's
 * grid_sampler_3d (align_corners=False): weights are (x·y)·z, corners are
 * added in raster order.
 * Differs: nothing without early stop. These paths end in long cycles of the
 * last bits, so that a path is stopped when every second step has left it in
 * place, but for rounding, for 24 steps, and it is well within its voxel.
 */
import { allocate, mark, release } from "./heap";

/** Vectors in flight: enough to cover the latency of a step. */
const SLOTS: i32 = 8;

/** A slot: position, position one step on, steps left, number of its point, rounds at rest, where it rests. */
const SLOT_BYTES: usize = 64;
const MIDDLE: usize = 16;
const LEFT: usize = 32;
const POINT: usize = 36;
const ROUNDS: usize = 40;
const PLACE: usize = 48;

/** 1.5·2^23: adding it rounds an f32 to an integer in its low bits. */
const ROUND: f32 = 12582912.0;

/** Movement that is rounding only: 8 units in the last place. */
const AT_REST: f32 = 4.8e-7;

/**
 * Rounds of two steps that a path must stay in place: one that leaves so
 * slowly that it seems at rest for so long gets nowhere in 200 steps.
 */
const ROUNDS_AT_REST: i32 = 12;

/** Voxels that a path at rest is away from the border of its own. */
const MARGIN: f32 = 0.004;

/**
 * Advance points through packed flows.
 *
 * points   P×3 f32    in/out: (z, y, x), −1..1 over the whole volume
 * left settled niter early n   as in `followFlows3d`
 * packed   (D+2)×(H+2)×(W+2)×3 f32   of `packFlows`, convention 2
 * window   8 i32      D, H, W of the whole volume; plane of it where the packed
 *                     block starts; lowest and highest plane that a point may
 *                     be sampled from, else it is handed back
 * h w      i32        size of a plane of the packed block without its border
 * returns  i32        0, or −2 where scratch memory is short
 */
export function followFlows3dExact(
  points: usize, left: usize, settled: usize, packed: usize, window: usize, n: i32, h: i32, w: i32, niter: i32,
  early: i32,
): i32 {
  const start = mark();
  const slots = allocate(usize(SLOTS) * SLOT_BYTES);
  if (!slots) return -2;
  const row = usize(w + 2) * 12;
  const plane = usize(h + 2) * row;
  const whole = v128.load(window);
  const size = f32x4.convert_i32x4_s(v128.and(whole, i32x4(-1, -1, -1, 0)));
  // L − 1, and 0 on the lane that is no axis
  const length = f32x4.max(f32x4.sub(size, f32x4.splat(1)), f32x4.splat(0));
  const from = load<i32>(window, 12);
  const lowestPlane = load<i32>(window, 16);
  const highestPlane = load<i32>(window, 20);
  // first voxel of the whole volume in the packed block, which has a border
  const origin = packed + row + 12 - usize(from - 1) * plane;
  // where an idle slot waits: its voxels are always in the packed block
  const middle = from > lowestPlane ? from : lowestPlane;
  const rest = f32x4((2 * f32(middle) + 1) / f32(load<i32>(window)) - 1, 0, 0, 0);

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
      v128.store(slot, step(v128.load(slot), origin, row, plane, size), MIDDLE);
    }
    for (let slot = slots; slot < end; slot += SLOT_BYTES) {
      const after = step(v128.load(slot, MIDDLE), origin, row, plane, size);
      const remaining = load<i32>(slot, LEFT) - 2;
      v128.store(slot, after);
      store<i32>(slot, remaining, LEFT);
      let rounds = 0;
      if (isAtRest(v128.load(slot, PLACE), after)) rounds = load<i32>(slot, ROUNDS) + 1;
      else v128.store(slot, after, PLACE);
      store<i32>(slot, rounds, ROUNDS);
      const isRepeating = rounds >= ROUNDS_AT_REST && isInside(after, length) &&
        isInside(v128.load(slot, MIDDLE), length);
      const z = planeOf(f32x4.extract_lane(after, 0), f32x4.extract_lane(size, 0));
      const isOutside = z < lowestPlane || z > highestPlane;
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
      store<f32>(to, f32x4.extract_lane(final, 2), 8);
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

/** True where a path is back in its place, but for rounding. */
// @ts-ignore: decorator
@inline
function isAtRest(place: v128, after: v128): bool {
  return i32x4.all_true(f32x4.le(f32x4.abs(f32x4.sub(after, place)), f32x4.splat(AT_REST)));
}

/** True where a position is well within its voxel, so that drifting cannot change it. */
function isInside(at: v128, length: v128): bool {
  const place = f32x4.mul(f32x4.mul(f32x4.add(at, f32x4.splat(1)), f32x4.splat(0.5)), length);
  const off = f32x4.abs(f32x4.sub(place, f32x4.nearest(place)));
  // an axis that is not there, or of one voxel, stands at 0
  const isFar = v128.or(f32x4.gt(off, f32x4.splat(MARGIN)), f32x4.eq(length, f32x4.splat(0)));
  return i32x4.all_true(isFar);
}

/** Plane above a position, from −1 to D − 1. */
export function planeOf(at: f32, depth: f32): i32 {
  return i32(floor(((at + 1) * depth - 1) * 0.5));
}

/** Give a slot the next point that has steps to go; returns the point after it. */
function refill(slot: usize, points: usize, left: usize, next: i32, n: i32, niter: i32): i32 {
  while (next < n) {
    const steps = left ? load<i32>(left + (usize(next) << 2)) : niter;
    if (steps > 0) {
      const from = points + usize(next) * 12;
      store<i64>(slot, load<i64>(from));
      store<i64>(slot, i64(load<u32>(from, 8)), 8);
      store<i32>(slot, steps, LEFT);
      store<i32>(slot, next, POINT);
      store<i32>(slot, 0, ROUNDS);
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
function step(at: v128, origin: usize, row: usize, plane: usize, size: v128): v128 {
  const one = f32x4.splat(1);
  const place = f32x4.mul(f32x4.sub(f32x4.mul(f32x4.add(at, one), size), one), f32x4.splat(0.5));
  const low = f32x4.floor(place);
  const voxel = i32x4.sub(f32x4.add(low, f32x4.splat(ROUND)), i32x4.splat(0x4b400000));
  const p = origin + usize(i32x4.extract_lane(voxel, 0)) * plane + usize(i32x4.extract_lane(voxel, 1)) * row +
    usize(i32x4.extract_lane(voxel, 2)) * 12;
  const q = p + plane;
  // weights of the lower and the higher neighbor on each axis
  const b = f32x4.sub(f32x4.add(low, one), place);
  const a = f32x4.sub(place, low);
  const ab = v128.shuffle<i32>(b, a, 2, 6, 2, 6);
  const xy = f32x4.mul(ab, v128.shuffle<i32>(b, a, 1, 1, 5, 5));
  const above = f32x4.mul(xy, v128.shuffle<i32>(b, b, 0, 0, 0, 0));
  const below = f32x4.mul(xy, v128.shuffle<i32>(a, a, 0, 0, 0, 0));
  let flow = f32x4.mul(v128.load(p), v128.shuffle<i32>(above, above, 0, 0, 0, 0));
  flow = f32x4.add(flow, f32x4.mul(v128.load(p + 12), v128.shuffle<i32>(above, above, 1, 1, 1, 1)));
  flow = f32x4.add(flow, f32x4.mul(v128.load(p + row), v128.shuffle<i32>(above, above, 2, 2, 2, 2)));
  flow = f32x4.add(flow, f32x4.mul(v128.load(p + row + 12), v128.shuffle<i32>(above, above, 3, 3, 3, 3)));
  flow = f32x4.add(flow, f32x4.mul(v128.load(q), v128.shuffle<i32>(below, below, 0, 0, 0, 0)));
  flow = f32x4.add(flow, f32x4.mul(v128.load(q + 12), v128.shuffle<i32>(below, below, 1, 1, 1, 1)));
  flow = f32x4.add(flow, f32x4.mul(v128.load(q + row), v128.shuffle<i32>(below, below, 2, 2, 2, 2)));
  flow = f32x4.add(flow, f32x4.mul(v128.load(q + row + 12), v128.shuffle<i32>(below, below, 3, 3, 3, 3)));
  const moved = f32x4.min(f32x4.max(f32x4.add(at, flow), f32x4.splat(-1)), one);
  // the fourth lane holds the next voxel's flow
  return v128.and(moved, i32x4(-1, -1, -1, 0));
}
