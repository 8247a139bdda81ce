/**
 * Cut tiles from an image and blend what a network makes of them.
 */

/** Bits of `flips`. */
const FLIP_Y = 1;
const FLIP_X = 2;

/**
 * Write the weights of a tile's pixels along one axis.
 *
 * out    length f64   1/(1 + exp((|t − (size−1)/2| − (size/2 − 20))/7.5)) at
 *                     the `length` central positions t
 * size   i32          the taper's own length, ≥ length
 *
 * A pixel's weight is the product of both axes' weights.
 *
 * Source: cellpose 4.2.1 `_taper_mask`; size = max(224, tile edges) there.
 * Differs: nothing.
 */
export function taperWeights(out: usize, length: i32, size: i32): void {
  const middle = f64(size - 1) / 2;
  const first = size / 2 - length / 2;
  for (let i = 0; i < length; i++) {
    const away = abs(f64(first + i) - middle);
    const weight = 1 / (1 + Math.exp((away - (f64(size) / 2 - 20)) / 7.5));
    store<f64>(out + (usize(i) << 3), weight);
  }
}

/**
 * Sum the weights of all tiles along one axis.
 *
 * out     length f64
 * starts  n i32    first pixel of each tile
 * taper   tile f64 `taperWeights`
 *
 * Source: cellpose 4.2.1 `average_tiles` (`Navg`), one axis of it.
 * Differs: nothing beyond rounding.
 */
export function sumTapers(
  out: usize,
  starts: usize,
  taper: usize,
  n: i32,
  tile: i32,
  length: i32,
): void {
  memory.fill(out, 0, usize(length) << 3);
  for (let k = 0; k < n; k++) {
    const first = out + (load<u32>(starts + (usize(k) << 2)) << 3);
    for (let i = 0; i < tile; i++) {
      const at = usize(i) << 3;
      store<f64>(first + at, load<f64>(first + at) + load<f64>(taper + at));
    }
  }
}

/**
 * Cut a tile, flipped where asked; outside of the image it is 0.
 *
 * out          c×th×tw f32
 * image        c×h×w f32
 * top, left    i32          the tile's corner in the image, may be negative
 * flips        i32          1 = upside down, 2 = left to right, 3 = both
 * flowChannel  i32          the plane of dY (dX follows) that changes its sign
 *                           where flipped, −1 for none
 *
 * Source: cellpose 4.2.1 `make_tiles`, `unaugment_tiles`.
 * Differs: nothing.
 */
export function cutTile(
  out: usize,
  image: usize,
  c: i32,
  h: i32,
  w: i32,
  top: i32,
  left: i32,
  th: i32,
  tw: i32,
  flips: i32,
  flowChannel: i32,
): void {
  // columns x0..x1 of the unflipped tile lie within the image
  const x0 = min(max(-left, 0), tw);
  const x1 = max(min(w - left, tw), x0);
  for (let i = 0; i < c; i++) {
    const sign = flowSign(i, flips, flowChannel);
    for (let y = 0; y < th; y++, out += usize(tw) << 2) {
      const row = top + (flips & FLIP_Y ? th - 1 - y : y);
      memory.fill(out, 0, usize(tw) << 2);
      if (row < 0 || row >= h) continue;
      const first = (i32(usize(i) * usize(h) + usize(row))) * w + left;
      let from = image + (usize(first + x0) << 2);
      let to = out + (usize(x0) << 2);
      if (!(flips & FLIP_X) && sign == 1) {
        memory.copy(to, from, usize(x1 - x0) << 2);
        continue;
      }
      let step: isize = 4;
      if (flips & FLIP_X) {
        to = out + (usize(tw - 1 - x0) << 2);
        step = -4;
      }
      for (let x = x0; x < x1; x++, from += 4, to += step) {
        store<f32>(to, load<f32>(from) * sign);
      }
    }
  }
}

/**
 * Add a tile's weighted output to the rows that are being blended.
 *
 * sums         c×th×tw f32  in place; planes `planeStride` and rows
 *                           `rowStride` elements apart
 * tile         c×th×tw f32  the network's output, still flipped
 * taperY       th f64       `taperWeights`
 * taperX       tw f64
 * flips        i32          how the tile was flipped; undone here
 * flowChannel  i32          the plane of dY (dX follows) whose sign is undone
 *
 * Products and sums in f64, sums kept in f32. Body and tail do the same
 * operations in the same order.
 *
 * Source: cellpose 4.2.1 `average_tiles`, `unaugment_tiles`.
 * Differs: nothing.
 */
export function addTile(
  sums: usize,
  tile: usize,
  taperY: usize,
  taperX: usize,
  c: i32,
  th: i32,
  tw: i32,
  planeStride: i32,
  rowStride: i32,
  flips: i32,
  flowChannel: i32,
): void {
  const body = flips & FLIP_X ? 0 : tw & ~1;
  for (let i = 0; i < c; i++) {
    const sign = f64(flowSign(i, flips, flowChannel));
    for (let y = 0; y < th; y++) {
      const tileY = flips & FLIP_Y ? th - 1 - y : y;
      const from = tile + (((usize(i) * usize(th) + usize(tileY)) * usize(tw)) << 2);
      const to = sums +
        ((usize(i) * usize(planeStride) + usize(y) * usize(rowStride)) << 2);
      const weightY = load<f64>(taperY + (usize(y) << 3));
      const splatY = f64x2.splat(weightY);
      const splatSign = f64x2.splat(sign);
      for (let x = 0; x < body; x += 2) {
        const at = usize(x) << 2;
        const weight = f64x2.mul(splatY, v128.load(taperX + (at << 1)));
        const value = f64x2.mul(
          f64x2.promote_low_f32x4(v128.load64_zero(from + at)),
          splatSign,
        );
        const sum = f64x2.add(
          f64x2.promote_low_f32x4(v128.load64_zero(to + at)),
          f64x2.mul(value, weight),
        );
        v128.store64_lane(to + at, f32x4.demote_f64x2_zero(sum), 0);
      }
      for (let x = body; x < tw; x++) {
        const tileX = flips & FLIP_X ? tw - 1 - x : x;
        const at = to + (usize(x) << 2);
        const weight = weightY * load<f64>(taperX + (usize(x) << 3));
        const value = f64(load<f32>(from + (usize(tileX) << 2))) * sign;
        store<f32>(at, f32(f64(load<f32>(at)) + value * weight));
      }
    }
  }
}

/**
 * Divide blended rows by their weights.
 *
 * out          c×h×w f32
 * sums         c×h×fullWidth f32   `addTile`; columns left..left+w are taken
 * weightY      h f64               sums of the tiles' `taperY`
 * weightX      fullWidth f64       sums of the tiles' `taperX`
 * flowChannel  i32                 planes flowChannel and flowChannel + 1 are
 * flowScale    f32                 divided by this
 *
 * Tiles lie on a grid, so the sum of the products of weights is the product
 * of their sums. Body and tail do the same operations.
 *
 * Source: cellpose 4.2.1 `average_tiles`; flows are divided by 5 there at
 * each use.
 * Differs: nothing beyond rounding.
 */
export function finishRows(
  out: usize,
  sums: usize,
  weightY: usize,
  weightX: usize,
  c: i32,
  h: i32,
  w: i32,
  left: i32,
  fullWidth: i32,
  flowChannel: i32,
  flowScale: f32,
): void {
  for (let i = 0; i < c; i++) {
    const isFlow = flowChannel >= 0 &&
      (i == flowChannel || i == flowChannel + 1);
    const scale: f32 = isFlow ? flowScale : 1;
    for (let y = 0; y < h; y++) {
      const from = sums +
        (((usize(i) * usize(h) + usize(y)) * usize(fullWidth) + usize(left)) << 2);
      const weight = load<f64>(weightY + (usize(y) << 3));
      const splat = f64x2.splat(weight);
      const weights = weightX + (usize(left) << 3);
      const body = w & ~3;
      for (let x = 0; x < body; x += 4) {
        const values = v128.load(from + (usize(x) << 2));
        const at = weights + (usize(x) << 3);
        const low = f64x2.div(
          f64x2.promote_low_f32x4(values),
          f64x2.mul(splat, v128.load(at)),
        );
        const high = f64x2.div(
          f64x2.promote_low_f32x4(v128.shuffle<i64>(values, values, 1, 1)),
          f64x2.mul(splat, v128.load(at, 16)),
        );
        const both = v128.shuffle<i64>(
          f32x4.demote_f64x2_zero(low),
          f32x4.demote_f64x2_zero(high),
          0,
          2,
        );
        v128.store(out, f32x4.div(both, f32x4.splat(scale)));
        out += 16;
      }
      for (let x = body; x < w; x++) {
        const by = weight * load<f64>(weightX + (usize(left + x) << 3));
        const value = f32(f64(load<f32>(from + (usize(x) << 2))) / by);
        store<f32>(out, value / scale);
        out += 4;
      }
    }
  }
}

function flowSign(channel: i32, flips: i32, flowChannel: i32): f32 {
  if (flowChannel < 0) return 1;
  if (channel == flowChannel && flips & FLIP_Y) return -1;
  if (channel == flowChannel + 1 && flips & FLIP_X) return -1;
  return 1;
}
