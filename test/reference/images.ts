/**
 * Slow and obvious image steps: sorting, full sums, one pixel at a time.
 *
 * @module
 */

/** A plane: values in raster order. */
export interface Plane {
  readonly data: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
}

/** Percentile of f32 values by sorting (numpy's linear interpolation). */
export function percentileReference(
  values: ArrayLike<number>,
  rank: number,
): number {
  const sorted = Float32Array.from(values).sort();
  const at = (sorted.length - 1) * (rank / 100);
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.min(Math.floor(at) + 1, sorted.length - 1)];
  const part = at - Math.floor(at);
  const step = Math.fround(high - low);
  return part >= 0.5
    ? Math.fround(high - Math.fround(step * Math.fround(1 - part)))
    : Math.fround(low + Math.fround(step * Math.fround(part)));
}

/** Mirrored index: d c b a | a b c d | d c b a. */
export function mirror(index: number, length: number): number {
  while (index < 0 || index >= length) {
    index = index < 0 ? -1 - index : 2 * length - 1 - index;
  }
  return index;
}

/** Bilinear value of a plane at half-pixel centers, edges repeated. */
export function sampleReference(
  plane: Plane,
  [y, x]: readonly [number, number],
  target: { height: number; width: number },
): number {
  const axis = (i: number, from: number, to: number) => {
    const at = (i + 0.5) * from / to - 0.5;
    const clamped = Math.min(Math.max(at, 0), from - 1);
    const low = Math.floor(clamped);
    return [low, Math.min(low + 1, from - 1), clamped - low];
  };
  const [y0, y1, fy] = axis(y, plane.height, target.height);
  const [x0, x1, fx] = axis(x, plane.width, target.width);
  const get = (row: number, column: number) =>
    plane.data[row * plane.width + column];
  const top = get(y0, x0) * (1 - fx) + get(y0, x1) * fx;
  const bottom = get(y1, x0) * (1 - fx) + get(y1, x1) * fx;
  return top * (1 - fy) + bottom * fy;
}

/** Gaussian mean around each pixel; mirrored edges, 5σ to each side. */
export function smoothReference(plane: Plane, sigma: number): number[] {
  const { data, height, width } = plane;
  const reach = Math.ceil(5 * sigma);
  const out: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      let weights = 0;
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const weight = Math.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma));
          const row = mirror(y + dy, height);
          sum += weight * data[row * width + mirror(x + dx, width)];
          weights += weight;
        }
      }
      out.push(sum / weights);
    }
  }
  return out;
}

/**
 * Cellpose's filter: circular correlation with a Gaussian kernel on the grid
 * −h/2 … h/2 + 1 in both axes, shifted by half the image.
 */
export function circularReference(
  plane: Plane,
  smooth: number,
  sharpen: number,
): number[] {
  const { data, height, width } = plane;
  const place = (i: number, count: number) =>
    -height / 2 + (count > 1 ? i * (height + 1) / (count - 1) : 0);
  const gaussian = (sigma: number) => {
    const values: number[] = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const square = place(y, height) ** 2 + place(x, width) ** 2;
        values.push(Math.exp(-square / (2 * sigma * sigma)));
      }
    }
    const sum = values.reduce((a, b) => a + b);
    return values.map((value) => value / sum);
  };
  const middle = (height >> 1) * width + (width >> 1);
  let kernel = smooth > 0 ? gaussian(smooth) : data as number[];
  if (sharpen > 0) {
    const surround = gaussian(sharpen);
    kernel = smooth > 0
      ? kernel.map((value, i) => value - surround[i])
      : surround.map((value, i) => i === middle ? 1 : -value);
  }
  const out: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let ky = 0; ky < height; ky++) {
        for (let kx = 0; kx < width; kx++) {
          const row = (y + ky - (height >> 1) + height) % height;
          const column = (x + kx - (width >> 1) + width) % width;
          sum += data[row * width + column] * kernel[ky * width + kx];
        }
      }
      out.push(sum);
    }
  }
  return out;
}

/**
 * Tile normalization as it is meant: percentiles of each tile, gaps filled
 * from the nearest tile, smoothed along both axes, resized, applied.
 */
export function tileNormReference(
  plane: Plane,
  { rows, columns, tile, percentile: [low, high] }: {
    rows: ArrayLike<number>;
    columns: ArrayLike<number>;
    tile: number;
    percentile: readonly [number, number];
  },
): number[] {
  const { data, height, width } = plane;
  const grid = { height: rows.length, width: columns.length };
  const ranges = Array.from(rows).flatMap((top) =>
    Array.from(columns).map((left) => {
      const values: number[] = [];
      for (let y = top; y < Math.min(top + tile, height); y++) {
        for (let x = left; x < Math.min(left + tile, width); x++) {
          values.push(data[y * width + x]);
        }
      }
      return [low, high].map((rank) => percentileReference(values, rank));
    })
  );
  const isGood = ranges.map(([a, b]) => b - a >= 1e-3);
  const filled = ranges.map((range, i) => {
    if (isGood[i]) return range;
    const away = (j: number) =>
      (Math.floor(i / grid.width) - Math.floor(j / grid.width)) ** 2 +
      (i % grid.width - j % grid.width) ** 2;
    const good = ranges.map((_, j) => j).filter((j) => isGood[j]);
    return ranges[good.reduce((a, b) => away(b) < away(a) ? b : a)];
  });
  const [lows, highs] = [0, 1].map((which) => {
    const values = filled.map((range) => range[which]);
    return { data: smoothGrid(values, grid), ...grid };
  });
  return Array.from(data, (value, i) => {
    const at = [Math.floor(i / width), i % width] as const;
    const a = sampleReference(lows, at, plane);
    const b = sampleReference(highs, at, plane);
    return (value - a) / (b - a);
  });
}

/** Gaussian of σ 1 along both axes, cut at 4σ, mirrored. */
function smoothGrid(
  values: number[],
  { height, width }: { height: number; width: number },
): number[] {
  return values.map((_, i) => {
    let sum = 0;
    let weights = 0;
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const weight = Math.exp(-(dy * dy + dx * dx) / 2);
        const row = mirror(Math.floor(i / width) + dy, height);
        sum += weight * values[row * width + mirror(i % width + dx, width)];
        weights += weight;
      }
    }
    return sum / weights;
  });
}
