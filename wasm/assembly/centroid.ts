/**
 * Labels to flows by centroids: every pixel of a cell points straight to the
 * cell's centroid, unit length; the pixel that lies there, and the background,
 * are 0.
 *
 * flows   axes×D×H×W f32   out, planes (dY, dX) or (dZ, dY, dX)
 * labels  D×H×W u32        compact labels 1..count, 0 = background
 * depth, height, width     depth 1 for an image
 * axes                     2, or 3 for a volume
 * count                    cells
 * inside                   1: see below
 * returns                  0, or −2 where scratch memory is short
 *
 * The centroid of a cell that is not convex may lie outside the cell. Its
 * pixels then point out of it, and those that follow their flows stop at the
 * border or are carried away by a neighbour. With `inside`, where the pixel at
 * the centroid is not the cell's, the target is the cell's pixel nearest to the
 * centroid (the first of equals): a target that always lies in the cell. Flows
 * may still cross the background on their way to it.
 *
 * Scratch: 40 bytes a cell.
 *
 * Source: the report, `labels_to_flows`: unit vectors to the cell's centroid.
 * Differs: `inside` is ours.
 */
import { allocate, mark, release } from "./heap";

/**
 * Bytes of a cell's record: centroid z, y, x (f64, at first i64 sums), squared
 * distance of the nearest pixel (f64, at first the i64 count of pixels; −1
 * where the centroid lies inside), index of that pixel (i64).
 */
const RECORD: usize = 40;

/** What a walk over the pixels does. */
const SUM = 0, FIND_NEAREST = 1, POINT = 2;

export function centroidFlows(
  flows: usize, labels: usize,
  depth: i32, height: i32, width: i32, axes: i32, count: i32, inside: i32,
): i32 {
  const plane = (usize(depth) * usize(height) * usize(width)) << 2;
  memory.fill(flows, 0, plane * usize(axes));
  const start = mark();
  const records = allocate(usize(count) * RECORD);
  if (records == 0) return -2;
  memory.fill(records, 0, usize(count) * RECORD);
  walk(SUM, flows, labels, records, depth, height, width, axes);
  setCentroids(records, count, labels, height, width);
  if (inside) {
    walk(FIND_NEAREST, flows, labels, records, depth, height, width, axes);
    moveInside(records, count, height, width);
  }
  walk(POINT, flows, labels, records, depth, height, width, axes);
  release(start);
  return 0;
}

function walk(
  task: i32, flows: usize, labels: usize, records: usize,
  depth: i32, height: i32, width: i32, axes: i32,
): void {
  const plane = (usize(depth) * usize(height) * usize(width)) << 2;
  let pixel: usize = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, pixel++) {
        const label = load<u32>(labels + (pixel << 2));
        if (label == 0) continue;
        const record = records + usize(label - 1) * RECORD;
        if (task == SUM) {
          // whole numbers: the order of the sum does not matter
          store<i64>(record, load<i64>(record) + z);
          store<i64>(record, load<i64>(record, 8) + y, 8);
          store<i64>(record, load<i64>(record, 16) + x, 16);
          store<i64>(record, load<i64>(record, 24) + 1, 24);
          continue;
        }
        const dz = load<f64>(record) - f64(z);
        const dy = load<f64>(record, 8) - f64(y);
        const dx = load<f64>(record, 16) - f64(x);
        const square = dz * dz + dy * dy + dx * dx;
        if (task == FIND_NEAREST) {
          if (square < load<f64>(record, 24)) {
            store<f64>(record, square, 24);
            store<i64>(record, i64(pixel), 32);
          }
        } else if (square > 0) {
          const scale = 1 / sqrt<f64>(square);
          let out = flows + (pixel << 2);
          if (axes == 3) {
            store<f32>(out, f32(dz * scale));
            out += plane;
          }
          store<f32>(out, f32(dy * scale));
          store<f32>(out + plane, f32(dx * scale));
        }
      }
    }
  }
}

/** Sums to centroids; does the pixel at the centroid belong to the cell? */
function setCentroids(
  records: usize, count: i32, labels: usize, height: i32, width: i32,
): void {
  for (let c = 0; c < count; c++) {
    const record = records + usize(c) * RECORD;
    const area = f64(load<i64>(record, 24));
    let pixel: usize = 0;
    for (let axis = 0; axis < 3; axis++) {
      const slot = record + (usize(axis) << 3);
      const center = f64(load<i64>(slot)) / area;
      store<f64>(slot, center);
      const edge = axis == 0 ? 0 : axis == 1 ? height : width;
      pixel = pixel * usize(edge) + usize(floor(center + 0.5));
    }
    const isInside = load<u32>(labels + (pixel << 2)) == u32(c + 1);
    store<f64>(record, isInside ? -1 : Infinity, 24);
  }
}

/** The target of a cell whose centroid lies outside: its nearest pixel. */
function moveInside(records: usize, count: i32, height: i32, width: i32): void {
  for (let c = 0; c < count; c++) {
    const record = records + usize(c) * RECORD;
    if (load<f64>(record, 24) < 0) continue;
    const pixel = load<i64>(record, 32);
    store<f64>(record, f64(pixel / i64(height * width)));
    store<f64>(record, f64((pixel / width) % height), 8);
    store<f64>(record, f64(pixel % width), 16);
  }
}
