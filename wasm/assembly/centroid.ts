/**
 * Labels to flows by centroids: every pixel of a cell points straight to the
 * cell's centroid, unit length; the pixel that lies there, and the background,
 * are 0.
 *
 * flows   axes×D×H×W f32   out, planes (dY, dX) or (dZ, dY, dX)
 * labels  D×H×W u32        0 = background, ids may have gaps
 * depth, height, width     depth 1 for an image
 * axes                     2, or 3 for a volume
 * inside                   1: see below
 * returns                  cells, or −2
 *
 * The centroid of a cell that is not convex may lie outside the cell. Its
 * pixels then point out of it, and those that follow their flows stop at the
 * border or are carried away by a neighbour. With `inside`, where the pixel at
 * the centroid is not the cell's, the target is the cell's pixel nearest to the
 * centroid (the first of equals): a target that always lies in the cell. Flows
 * may still cross the background on their way to it.
 *
 * Scratch: up to 20 bytes a run of labels, 40 bytes a cell.
 *
 * Source: the report, `labels_to_flows`: unit vectors to the cell's centroid.
 * Differs: `inside` is ours.
 */
import { allocate, mark, release } from "./heap";
import { countRuns, findNumber, hashBits, numberLabels } from "./label_hash";

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
  depth: i32, height: i32, width: i32, axes: i32, inside: i32,
): i32 {
  const n = depth * height * width;
  memory.fill(flows, 0, (usize(n) * usize(axes)) << 2);
  const start = mark();
  const runs = countRuns(labels, n);
  const bits = hashBits(runs);
  const table = allocate(usize(1) << (bits + 2));
  const keys = allocate(usize(runs) << 2);
  let cells = -2;
  if (table && keys) {
    memory.fill(table, 0, usize(1) << (bits + 2));
    cells = numberLabels(keys, table, labels, bits, n);
    const records = allocate(usize(cells) * RECORD);
    if (records) {
      memory.fill(records, 0, usize(cells) * RECORD);
      walk(SUM, flows, labels, records, table, bits, keys, depth, height, width, axes);
      setCentroids(records, cells, labels, keys, height, width);
      if (inside) {
        walk(FIND_NEAREST, flows, labels, records, table, bits, keys, depth, height, width, axes);
        moveInside(records, cells, height, width);
      }
      walk(POINT, flows, labels, records, table, bits, keys, depth, height, width, axes);
    } else cells = -2;
  }
  release(start);
  return cells;
}

function walk(
  task: i32, flows: usize, labels: usize, records: usize,
  table: usize, bits: i32, keys: usize,
  depth: i32, height: i32, width: i32, axes: i32,
): void {
  const plane = usize(depth * height * width) << 2;
  let pixel: usize = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      let last: u32 = 0;
      let record: usize = 0;
      for (let x = 0; x < width; x++, pixel++) {
        const label = load<u32>(labels + (pixel << 2));
        if (label == 0) continue;
        if (label != last) {
          record = records + usize(findNumber(table, bits, keys, label)) * RECORD;
          last = label;
        }
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
  records: usize, cells: i32, labels: usize, keys: usize, height: i32, width: i32,
): void {
  for (let c = 0; c < cells; c++) {
    const record = records + usize(c) * RECORD;
    const count = f64(load<i64>(record, 24));
    let pixel: usize = 0;
    for (let axis = 0; axis < 3; axis++) {
      const slot = record + (usize(axis) << 3);
      const center = f64(load<i64>(slot)) / count;
      store<f64>(slot, center);
      const edge = axis == 0 ? 0 : axis == 1 ? height : width;
      pixel = pixel * usize(edge) + usize(floor(center + 0.5));
    }
    const label = load<u32>(keys + (usize(c) << 2));
    const isInside = load<u32>(labels + (pixel << 2)) == label;
    store<f64>(record, isInside ? -1 : Infinity, 24);
  }
}

/** The target of a cell whose centroid lies outside: its nearest pixel. */
function moveInside(records: usize, cells: i32, height: i32, width: i32): void {
  for (let c = 0; c < cells; c++) {
    const record = records + usize(c) * RECORD;
    if (load<f64>(record, 24) < 0) continue;
    const pixel = load<i64>(record, 32);
    store<f64>(record, f64(pixel / i64(height * width)));
    store<f64>(record, f64((pixel / width) % height), 8);
    store<f64>(record, f64(pixel % width), 16);
  }
}
