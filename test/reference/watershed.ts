/** Distances and watershed by the definition, pixel by pixel. */
import type { Size2D } from "../../shared/ndarray.ts";

/** Distance of each pixel to the nearest background pixel: all pairs. */
export function distances(
  values: Float32Array,
  { height, width }: Size2D,
  threshold: number,
): Float32Array {
  return values.map((value, i) => {
    if (!(value > threshold)) return 0;
    let nearest = (height + width) ** 2;
    for (const [j, other] of values.entries()) {
      if (other > threshold) continue;
      const dy = Math.floor(i / width) - Math.floor(j / width);
      const dx = i % width - j % width;
      nearest = Math.min(nearest, dy * dy + dx * dx);
    }
    return Math.sqrt(nearest);
  });
}

/** Watershed with sets of pixels as basins. */
export function flood(
  values: Float32Array,
  { height, width }: Size2D,
  { threshold, landscape, rise }: {
    threshold: number;
    landscape: Float32Array;
    rise: number;
  },
): Uint32Array {
  interface Basin {
    readonly top: number;
    readonly age: number;
    readonly pixels: number[];
  }
  const basinOf: (Basin | undefined)[] = new Array(values.length);
  const order = [...values.keys()].filter((i) => values[i] > threshold)
    .sort((a, b) => landscape[b] - landscape[a] || a - b);
  for (const [age, i] of order.entries()) {
    const around: number[] = [];
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const [y, x] = [Math.floor(i / width) + dy, i % width + dx];
        if (y < 0 || x < 0 || y >= height || x >= width) continue;
        if (basinOf[y * width + x]) around.push(y * width + x);
      }
    }
    if (around.length === 0) {
      basinOf[i] = { top: landscape[i], age, pixels: [i] };
      continue;
    }
    const highest = around.reduce((best, j) =>
      landscape[j] > landscape[best] ? j : best
    );
    // the leading basin takes in those that rise too little
    const basins = [...new Set(around.map((j) => basinOf[j]!))];
    let leading = basins[0];
    for (let each of basins.slice(1)) {
      each = basinOf[each.pixels[0]]!;
      if (each === leading) continue;
      const [high, low] = leading.top > each.top ||
          (leading.top === each.top && leading.age < each.age)
        ? [leading, each]
        : [each, leading];
      if (Math.fround(low.top - landscape[i]) < rise) {
        for (const j of low.pixels) basinOf[j] = high;
        high.pixels.push(...low.pixels);
      }
      leading = high;
    }
    const own = basinOf[highest]!;
    own.pixels.push(i);
    basinOf[i] = own;
  }
  const numbers = new Map<Basin, number>();
  return Uint32Array.from(values, (_, i) => {
    const basin = basinOf[i];
    if (basin === undefined) return 0;
    if (!numbers.has(basin)) numbers.set(basin, numbers.size + 1);
    return numbers.get(basin)!;
  });
}
