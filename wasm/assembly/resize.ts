/**
 * Resize images and label images.
 */
import { allocate, mark, release } from "./heap";

/**
 * Resize by bilinear interpolation, volumes in the plane and then along z.
 *
 * out        c×d2×h2×w2 f32
 * image      c×d×h×w f32     d = d2 = 1 for images
 *
 * Pixel centers at half integers, edges repeated, no antialiasing; a neighbor
 * of weight 0 is not read. Returns 0 or −2. Scratch 8 bytes a column of `out`
 * and two of its rows, for volumes also two of its planes.
 *
 * Source: OpenCV 5.0 `resize`, INTER_LINEAR; cellpose 4.2.1 `resize_image_3d`.
 * Differs: OpenCV up to 4.x rounds coordinates to f32.
 */
export function resizeLinear(
  out: usize,
  image: usize,
  c: i32,
  d: i32,
  h: i32,
  w: i32,
  d2: i32,
  h2: i32,
  w2: i32,
): i32 {
  const start = mark();
  const columns = allocate(usize(w2) << 3);
  const rows = allocate(usize(w2) << 3);
  const plane = (usize(h) * usize(w)) << 2;
  const plane2 = (usize(h2) * usize(w2)) << 2;
  let near = d == d2 ? out : allocate(plane2);
  let far = d == d2 ? out : allocate(plane2);
  if (columns == 0 || rows == 0 || near == 0 || far == 0) {
    release(start);
    return -2;
  }
  linearTable(columns, w, w2);

  for (let i = 0; i < c; i++) {
    let nearZ = -1;
    let farZ = -1;
    for (let z = 0; z < d2; z++) {
      if (d == d2) {
        resizePlane(out, image, h, w, h2, w2, columns, rows, 0, h2, 0);
        image += plane;
        out += plane2;
        continue;
      }
      // the two planes around, kept from one z to the next
      const at = sourceAt(z, d, d2);
      const z0 = i32(at);
      const f = f32(at - f64(z0));
      const z1 = f == 0 ? z0 : z0 + 1;
      if (nearZ != z0 && farZ == z0) {
        const other = near;
        near = far;
        far = other;
        farZ = nearZ;
        nearZ = z0;
      }
      if (nearZ != z0) {
        const from = image + usize(z0) * plane;
        resizePlane(near, from, h, w, h2, w2, columns, rows, 0, h2, 0);
        nearZ = z0;
      }
      if (z1 != z0 && farZ != z1) {
        const from = image + usize(z1) * plane;
        resizePlane(far, from, h, w, h2, w2, columns, rows, 0, h2, 0);
        farZ = z1;
      }
      lerpRows(out, near, far, f, h2 * w2);
      out += plane2;
    }
    if (d != d2) image += usize(d) * plane;
  }
  release(start);
  return 0;
}

/**
 * Resize by bilinear interpolation, some rows of the result only: those of a
 * call of `resizeLinear`, bit for bit.
 *
 * out    c×n×w2 f32      rows first … first + n of c×h2×w2
 * band   c×rows×w f32    rows top … top + rows of c×h×w; all that are read
 *
 * Returns 0 or −2. Scratch 8 bytes a column of `out` and two of its rows.
 *
 * Source: as `resizeLinear`. Differs: nothing.
 */
export function resizeRows(
  out: usize,
  band: usize,
  c: i32,
  h: i32,
  w: i32,
  h2: i32,
  w2: i32,
  top: i32,
  rows: i32,
  first: i32,
  n: i32,
): i32 {
  const start = mark();
  const columns = allocate(usize(w2) << 3);
  const lines = allocate(usize(w2) << 3);
  if (columns == 0 || lines == 0) {
    release(start);
    return -2;
  }
  linearTable(columns, w, w2);
  for (let i = 0; i < c; i++) {
    resizePlane(out, band, h, w, h2, w2, columns, lines, first, n, top);
    out += (usize(n) * usize(w2)) << 2;
    band += (usize(rows) * usize(w)) << 2;
  }
  release(start);
  return 0;
}

/**
 * Resize a label image or volume: each pixel takes the value at
 * floor(i·src/dst).
 *
 * out    c×d2×h2×w2 u32   any type of 4 bytes
 * image  c×d×h×w u32
 *
 * Returns 0 or −2. Scratch 4 bytes a column of `out`.
 *
 * Source: OpenCV 5.0 `resize`, INTER_NEAREST, with its rounding: the factor
 * is 1/(dst/src) in f64.
 * Differs: cellpose 4.2.1 passes u32 through f32, which changes ids > 2^24.
 */
export function resizeNearest(
  out: usize,
  image: usize,
  c: i32,
  d: i32,
  h: i32,
  w: i32,
  d2: i32,
  h2: i32,
  w2: i32,
): i32 {
  const start = mark();
  const columns = allocate(usize(w2) << 2);
  if (columns == 0) return -2;
  for (let x = 0; x < w2; x++) {
    store<u32>(columns + (usize(x) << 2), u32(nearestAt(x, w, w2)) << 2);
  }
  for (let i = 0; i < c; i++) {
    for (let z = 0; z < d2; z++) {
      const plane = usize(i * d + nearestAt(z, d, d2)) * usize(h);
      for (let y = 0; y < h2; y++) {
        const row = image + (((plane + usize(nearestAt(y, h, h2))) * usize(w)) << 2);
        for (let x = 0; x < w2; x++) {
          store<u32>(out, load<u32>(row + load<u32>(columns + (usize(x) << 2))));
          out += 4;
        }
      }
    }
  }
  release(start);
  return 0;
}

function nearestAt(i: i32, src: i32, dst: i32): i32 {
  return min(i32(f64(i) * (1.0 / (f64(dst) / f64(src)))), src - 1);
}

/** Source coordinate of a pixel, clamped to the centers of the edges. */
function sourceAt(i: i32, src: i32, dst: i32): f64 {
  const at = (f64(i) + 0.5) * (f64(src) / f64(dst)) - 0.5;
  return min(max(at, 0), f64(src - 1));
}

/** One entry an output pixel: offset in bytes u32, weight of the next f32. */
export function linearTable(out: usize, src: i32, dst: i32): void {
  for (let i = 0; i < dst; i++) {
    const at = sourceAt(i, src, dst);
    const whole = i32(at);
    store<u32>(out, u32(whole) << 2);
    store<f32>(out, f32(at - f64(whole)), 4);
    out += 8;
  }
}

/**
 * Interpolate n values of a row by a table; a neighbor of weight 0 is not read.
 * Body and tail do the same operations.
 */
export function lerpColumns(out: usize, row: usize, table: usize, n: i32): void {
  const one = f32x4.splat(1);
  let x = 0;
  for (; x + 4 <= n; x += 4) {
    const a = v128.load(table);
    const b = v128.load(table, 16);
    const f = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
    // any weight of 0 leaves the four to the loop below
    if (v128.any_true(f32x4.eq(f, f32x4.splat(0)))) {
      lerpEach(out, row, table, 4);
    } else {
      const p0 = row + usize(i32x4.extract_lane(a, 0));
      const p1 = row + usize(i32x4.extract_lane(a, 2));
      const p2 = row + usize(i32x4.extract_lane(b, 0));
      const p3 = row + usize(i32x4.extract_lane(b, 2));
      // each pixel and its right neighbor lie side by side
      const low = v128.load64_lane(p1, v128.load64_zero(p0), 1);
      const high = v128.load64_lane(p3, v128.load64_zero(p2), 1);
      const near = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
      const far = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
      v128.store(
        out,
        f32x4.add(f32x4.mul(near, f32x4.sub(one, f)), f32x4.mul(far, f)),
      );
    }
    out += 16;
    table += 32;
  }
  lerpEach(out, row, table, n - x);
}

function lerpEach(out: usize, row: usize, table: usize, n: i32): void {
  for (let x = 0; x < n; x++) {
    const at = row + load<u32>(table);
    const f = load<f32>(table, 4);
    let value = load<f32>(at);
    if (f != 0) value = value * (1 - f) + load<f32>(at, 4) * f;
    store<f32>(out, value);
    out += 4;
    table += 8;
  }
}

/** Interpolate n values between two rows. */
export function lerpRows(out: usize, a: usize, b: usize, f: f32, n: i32): void {
  if (f == 0) {
    memory.copy(out, a, usize(n) << 2);
    return;
  }
  const g: f32 = 1 - f;
  const body = n & ~3;
  for (let i = 0; i < body; i += 4) {
    const at = usize(i) << 2;
    v128.store(
      out + at,
      f32x4.add(
        f32x4.mul(v128.load(a + at), f32x4.splat(g)),
        f32x4.mul(v128.load(b + at), f32x4.splat(f)),
      ),
    );
  }
  for (let i = body; i < n; i++) {
    const at = usize(i) << 2;
    store<f32>(out + at, load<f32>(a + at) * g + load<f32>(b + at) * f);
  }
}

/**
 * Resize one plane, n rows from `first` on, of an image that starts with row
 * `top`; `rows` holds the two interpolated rows around.
 */
function resizePlane(
  out: usize,
  image: usize,
  h: i32,
  w: i32,
  h2: i32,
  w2: i32,
  columns: usize,
  rows: usize,
  first: i32,
  n: i32,
  top: i32,
): void {
  const line = usize(w) << 2;
  const line2 = usize(w2) << 2;
  let near = rows;
  let far = rows + line2;
  let nearY = -1;
  let farY = -1;
  for (let y = first; y < first + n; y++) {
    const at = sourceAt(y, h, h2);
    const y0 = i32(at);
    const f = f32(at - f64(y0));
    if (nearY != y0 && farY == y0) {
      const other = near;
      near = far;
      far = other;
      farY = nearY;
      nearY = y0;
    }
    if (nearY != y0) {
      lerpColumns(near, image + usize(y0 - top) * line, columns, w2);
      nearY = y0;
    }
    if (f != 0 && farY != y0 + 1) {
      lerpColumns(far, image + usize(y0 + 1 - top) * line, columns, w2);
      farY = y0 + 1;
    }
    lerpRows(out, near, far, f, w2);
    out += line2;
  }
}
