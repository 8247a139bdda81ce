import { allocate, mark, release } from "./heap";
import { percentiles } from "./percentiles";
import { lerpColumns, lerpRows, linearTable } from "./resize";

/** Range of a tile that counts as contrast: Cellpose's. */
const CONTRAST: f32 = 1e-3;

/**
 * Normalize a channel by percentiles that vary over it, in place.
 *
 * image        d×h×w f32    in place
 * rowStarts    rows i32     first row of each tile
 * columnStarts columns i32  first column of each tile
 * th, tw       i32          tile edges, ≤ h, w
 * low, high    f64          percentiles, 0–100
 * smoothing    f64          σ along the third axis, in planes (parity: rows)
 * perPlane     0|1          each plane has its own ranges, else their mean
 * invert       0|1          then x becomes 1 − x
 * parity       0–2          1: Cellpose's smoothing; 2: and the ranges of the
 *                           first row for all rows, as it does for images
 *                           without a z axis
 *
 * Percentiles of each tile; tiles without contrast take their nearest
 * neighbor's; Gaussian smoothing of both grids; bilinear resize to the image;
 * (x − low)/(high − low). Returns 0, 1 where no tile has contrast (the
 * channel is left as it is), or −2. Scratch 8·d·rows·columns + 24·w bytes.
 *
 * Source: cellpose 4.2.1 `normalize99_tile`.
 * Differs: by default grids are smoothed along rows and columns, and along z
 * where planes differ; Cellpose (parity) smooths along z and rows, and along
 * rows once more where planes share a range. By default a plane without
 * contrast takes the range of its nearest plane, in Cellpose 0–1. Cellpose
 * uses only the first row of the resized ranges for images without a z axis
 * (as its own pipeline never has), and cannot do several channels per plane
 * (it fills `high` from `low`).
 */
export function normalizeTiles(
  image: usize,
  d: i32,
  h: i32,
  w: i32,
  rowStarts: usize,
  rows: i32,
  columnStarts: usize,
  columns: i32,
  th: i32,
  tw: i32,
  low: f64,
  high: f64,
  smoothing: f64,
  perPlane: i32,
  invert: i32,
  parity: i32,
): i32 {
  const start = mark();
  const tiles = rows * columns;
  const grid = usize(tiles) << 2;
  const lows = allocate(grid * usize(d));
  const highs = allocate(grid * usize(d));
  const pair = allocate(8);
  const good = allocate(usize(tiles));
  const hasContrast = allocate(usize(d));
  const line = allocate(usize(max(max(rows, columns), d)) << 3);
  if (!lows || !highs || !pair || !good || !hasContrast || !line) {
    release(start);
    return -2;
  }

  // percentiles of each tile of each plane
  let goodPlanes = 0;
  for (let z = 0; z < d; z++) {
    const planeLows = lows + usize(z) * grid;
    const planeHighs = highs + usize(z) * grid;
    let goodTiles = 0;
    for (let j = 0; j < rows; j++) {
      for (let i = 0; i < columns; i++) {
        const tile = usize(j * columns + i);
        const y = usize(z) * usize(h) + load<u32>(rowStarts + (usize(j) << 2));
        const x = load<u32>(columnStarts + (usize(i) << 2));
        const from = image + ((y * usize(w) + x) << 2);
        if (percentiles(pair, from, 1, th, tw, 0, w, 1, low, high) == -2) {
          release(start);
          return -2;
        }
        const a = load<f32>(pair);
        const b = load<f32>(pair, 4);
        store<f32>(planeLows + (tile << 2), a);
        store<f32>(planeHighs + (tile << 2), b);
        const isGood = i32(!(b - a < CONTRAST));
        store<u8>(good + tile, isGood);
        goodTiles += isGood;
      }
    }
    store<u8>(hasContrast + usize(z), i32(goodTiles > 0));
    goodPlanes += i32(goodTiles > 0);
    if (goodTiles == 0) {
      for (let i = 0; i < tiles; i++) {
        store<f32>(planeLows + (usize(i) << 2), 0);
        store<f32>(planeHighs + (usize(i) << 2), 1);
      }
    } else if (goodTiles < tiles) {
      fillFromNearest(planeLows, planeHighs, good, rows, columns);
    }
  }
  if (goodPlanes == 0 && !parity) {
    release(start);
    return 1;
  }
  if (goodPlanes < d && !parity) fillPlanes(lows, highs, hasContrast, d, grid);

  for (let k = 0; k < 2; k++) {
    const ranges = k == 0 ? lows : highs;
    let failed = 0;
    if (parity) {
      failed |= smoothAxis(ranges, 1, d, tiles, 1, line);
      failed |= smoothAxis(ranges, d, rows, columns, 1, line);
      if (!perPlane) {
        failed |= smoothAxis(ranges, d, rows, columns, smoothing, line);
      }
    } else {
      failed |= smoothAxis(ranges, d, rows, columns, 1, line);
      failed |= smoothAxis(ranges, d * rows, columns, 1, 1, line);
      if (perPlane) failed |= smoothAxis(ranges, 1, d, tiles, smoothing, line);
    }
    if (failed) {
      release(start);
      return -2;
    }
    if (!perPlane) meanOfPlanes(ranges, d, tiles);
  }

  const result = applyRanges(
    image, lows, highs, d, h, w, rows, columns, perPlane, invert, i32(parity == 2),
  );
  release(start);
  return result < 0 ? result : i32(goodPlanes == 0);
}

/** Tiles without contrast take the range of the nearest good one. */
function fillFromNearest(
  lows: usize,
  highs: usize,
  good: usize,
  rows: i32,
  columns: i32,
): void {
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const tile = j * columns + i;
      if (load<u8>(good + usize(tile))) continue;
      // rows outwards, in each columns outwards; of equals the first in order
      let best = i32.MAX_VALUE;
      let nearest = 0;
      for (let dj = 0; dj < rows && dj * dj <= best; dj++) {
        for (let side = -1; side <= 1; side += 2) {
          const row = j + side * dj;
          if (row < 0 || row >= rows) continue;
          for (let di = 0; di < columns && dj * dj + di * di <= best; di++) {
            const away = dj * dj + di * di;
            for (let end = -1; end <= 1; end += 2) {
              const column = i + end * di;
              if (column < 0 || column >= columns) continue;
              const other = row * columns + column;
              if (!load<u8>(good + usize(other))) continue;
              if (away < best || (away == best && other < nearest)) {
                best = away;
                nearest = other;
              }
            }
          }
        }
      }
      const to = usize(tile) << 2;
      const from = usize(nearest) << 2;
      store<f32>(lows + to, load<f32>(lows + from));
      store<f32>(highs + to, load<f32>(highs + from));
    }
  }
}

/** Planes without contrast take the grids of the nearest good plane. */
function fillPlanes(lows: usize, highs: usize, good: usize, d: i32, grid: usize): void {
  for (let z = 0; z < d; z++) {
    if (load<u8>(good + usize(z))) continue;
    let nearest = -1;
    for (let other = 0; other < d; other++) {
      if (!load<u8>(good + usize(other))) continue;
      if (nearest < 0 || abs(other - z) < abs(nearest - z)) nearest = other;
    }
    memory.copy(lows + usize(z) * grid, lows + usize(nearest) * grid, grid);
    memory.copy(highs + usize(z) * grid, highs + usize(nearest) * grid, grid);
  }
}

/**
 * Gaussian along the middle axis of before×length×after f32, in place; edges
 * mirrored, cut at 4σ (scipy's `gaussian_filter1d`). Returns 1 without memory.
 */
function smoothAxis(
  grid: usize,
  before: i32,
  length: i32,
  after: i32,
  sigma: f64,
  line: usize,
): i32 {
  if (sigma <= 0) return 0;
  const start = mark();
  const reach = i32(4 * sigma + 0.5);
  const weights = allocate(usize(reach + 1) << 3);
  if (!weights) return 1;
  let sum: f64 = 0;
  for (let k = 0; k <= reach; k++) {
    const weight = Math.exp(-0.5 / (sigma * sigma) * f64(k) * f64(k));
    store<f64>(weights + (usize(k) << 3), weight);
    sum += k == 0 ? weight : 2 * weight;
  }
  for (let b = 0; b < before; b++) {
    for (let a = 0; a < after; a++) {
      const first = grid + (usize(b * length * after + a) << 2);
      const step = usize(after) << 2;
      for (let i = 0; i < length; i++) {
        store<f64>(line + (usize(i) << 3), f64(load<f32>(first + usize(i) * step)));
      }
      for (let i = 0; i < length; i++) {
        let value: f64 = 0;
        for (let k = -reach; k <= reach; k++) {
          value += load<f64>(weights + (usize(abs(k)) << 3)) *
            load<f64>(line + (usize(mirrored(i + k, length)) << 3));
        }
        store<f32>(first + usize(i) * step, f32(value / sum));
      }
    }
  }
  release(start);
  return 0;
}

function mirrored(i: i32, length: i32): i32 {
  i %= 2 * length;
  if (i < 0) i += 2 * length;
  return i < length ? i : 2 * length - 1 - i;
}

/** Mean of the planes' grids, into the first. */
function meanOfPlanes(grid: usize, d: i32, tiles: i32): void {
  for (let i = 0; i < tiles; i++) {
    const at = grid + (usize(i) << 2);
    let sum: f64 = 0;
    for (let z = 0; z < d; z++) {
      sum += f64(load<f32>(at + (usize(z * tiles) << 2)));
    }
    store<f32>(at, f32(sum / f64(d)));
  }
}

/** Resize the grids to each row of the image and rescale it. */
function applyRanges(
  image: usize,
  lows: usize,
  highs: usize,
  d: i32,
  h: i32,
  w: i32,
  rows: i32,
  columns: i32,
  perPlane: i32,
  invert: i32,
  firstRow: i32,
): i32 {
  const line = usize(w) << 2;
  const start = mark();
  const across = allocate(usize(w) << 3);
  const down = allocate(usize(h) << 3);
  const buffers = allocate(line * 6);
  if (!across || !down || !buffers) {
    release(start);
    return -2;
  }
  linearTable(across, columns, w);
  linearTable(down, rows, h);
  const lowLine = buffers + 4 * line;
  const highLine = lowLine + line;
  for (let z = 0; z < d; z++) {
    const plane = perPlane ? usize(z * rows * columns) << 2 : 0;
    let row = -1;
    for (let y = 0; y < h; y++) {
      const entry = down + (usize(firstRow ? 0 : y) << 3);
      const at = i32(load<u32>(entry) >> 2);
      const f = load<f32>(entry, 4);
      if (at != row) {
        // the two rows of each grid around this one
        row = at;
        const next = min(at + 1, rows - 1);
        const nearAt = plane + (usize(at * columns) << 2);
        const farAt = plane + (usize(next * columns) << 2);
        lerpColumns(buffers, lows + nearAt, across, w);
        lerpColumns(buffers + line, lows + farAt, across, w);
        lerpColumns(buffers + 2 * line, highs + nearAt, across, w);
        lerpColumns(buffers + 3 * line, highs + farAt, across, w);
      }
      lerpRows(lowLine, buffers, buffers + line, f, w);
      lerpRows(highLine, buffers + 2 * line, buffers + 3 * line, f, w);
      for (let x = 0; x < w; x++) {
        const low = load<f32>(lowLine + (usize(x) << 2));
        const high = load<f32>(highLine + (usize(x) << 2));
        const value = (load<f32>(image) - low) / (high - low);
        store<f32>(image, invert ? 1 - value : value);
        image += 4;
      }
    }
  }
  release(start);
  return 0;
}
