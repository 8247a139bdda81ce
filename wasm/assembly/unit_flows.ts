/**
 * Heat to flows: central differences, scaled to unit length.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` masks_to_flows: the difference of
 * the neighbors' heat in f64, divided by 1e-60 + its length.
 * Differs: over the heat of one label (default) a flow cannot leak from a
 * touching label; over the heat of the image (parity) it does, as there.
 */

/** Keeps a zero gradient zero instead of dividing 0 by 0. */
const SMALLEST: f64 = 1e-60;

/**
 * Unit flows of the pixels of one label.
 *
 * flows    2×H×W | 3×D×H×W f32  out: only the label's pixels are written
 * heat     f64        of the box's first pixel; a shell of one around the box is read
 * rowBytes planeBytes usize     from one row / plane of heat to the next
 * labels   D×H×W u32
 * label    u32
 * box      8 i32      z0, z1, y0, y1, x0, x1
 * d h w    i32        d = 1 for an image: two planes of flows, else three
 */
export function unitFlows(
  flows: usize, heat: usize, rowBytes: usize, planeBytes: usize,
  labels: usize, label: u32, box: usize, d: i32, h: i32, w: i32,
): void {
  const plane = usize(d) * usize(h) * usize(w) << 2;
  const dz = flows;
  const dy = d == 1 ? flows : flows + plane;
  const dx = dy + plane;
  const z0 = load<i32>(box, 0), z1 = load<i32>(box, 4);
  const y0 = load<i32>(box, 8), y1 = load<i32>(box, 12);
  const x0 = load<i32>(box, 16), x1 = load<i32>(box, 20);
  for (let z = z0; z < z1; z++) {
    for (let y = y0; y < y1; y++) {
      const row = (usize(z) * usize(h) + usize(y)) * usize(w) << 2;
      const from = heat + usize(z - z0) * planeBytes + usize(y - y0) * rowBytes;
      for (let x = x0; x < x1; x++) {
        const at = row + (usize(x) << 2);
        if (load<u32>(labels + at) != label) continue;
        const p = from + (usize(x - x0) << 3);
        const gy = load<f64>(p + rowBytes) - load<f64>(p - rowBytes);
        const gx = load<f64>(p + 8) - load<f64>(p - 8);
        let square = gy * gy + gx * gx;
        let gz: f64 = 0;
        if (d > 1) {
          gz = load<f64>(p + planeBytes) - load<f64>(p - planeBytes);
          square += gz * gz;
        }
        const by = SMALLEST + sqrt<f64>(square);
        store<f32>(dy + at, f32(gy / by));
        store<f32>(dx + at, f32(gx / by));
        if (d > 1) store<f32>(dz + at, f32(gz / by));
      }
    }
  }
}

/**
 * Sum of the squared difference between a label's unit flows and given flows.
 *
 * flows    2×H×W | 3×D×H×W f32  the network's flows, unit scale
 * heat rowBytes planeBytes labels label box d h w   as in `unitFlows`
 * returns  f64
 *
 * Source: Cellpose 4.2.1.1, `metrics.py` flow_error (2-D); ours in 3-D too.
 */
export function sumFlowErrors(
  flows: usize, heat: usize, rowBytes: usize, planeBytes: usize,
  labels: usize, label: u32, box: usize, d: i32, h: i32, w: i32,
): f64 {
  const plane = usize(d) * usize(h) * usize(w) << 2;
  const dz = flows;
  const dy = d == 1 ? flows : flows + plane;
  const dx = dy + plane;
  const z0 = load<i32>(box, 0), z1 = load<i32>(box, 4);
  const y0 = load<i32>(box, 8), y1 = load<i32>(box, 12);
  const x0 = load<i32>(box, 16), x1 = load<i32>(box, 20);
  let sum: f64 = 0;
  for (let z = z0; z < z1; z++) {
    for (let y = y0; y < y1; y++) {
      const row = (usize(z) * usize(h) + usize(y)) * usize(w) << 2;
      const from = heat + usize(z - z0) * planeBytes + usize(y - y0) * rowBytes;
      for (let x = x0; x < x1; x++) {
        const at = row + (usize(x) << 2);
        if (load<u32>(labels + at) != label) continue;
        const p = from + (usize(x - x0) << 3);
        const gy = load<f64>(p + rowBytes) - load<f64>(p - rowBytes);
        const gx = load<f64>(p + 8) - load<f64>(p - 8);
        let square = gy * gy + gx * gx;
        let gz: f64 = 0;
        if (d > 1) {
          gz = load<f64>(p + planeBytes) - load<f64>(p - planeBytes);
          square += gz * gz;
        }
        const by = SMALLEST + sqrt<f64>(square);
        const ey = gy / by - f64(load<f32>(dy + at));
        const ex = gx / by - f64(load<f32>(dx + at));
        sum += ey * ey + ex * ex;
        if (d > 1) {
          const ez = gz / by - f64(load<f32>(dz + at));
          sum += ez * ez;
        }
      }
    }
  }
  return sum;
}
