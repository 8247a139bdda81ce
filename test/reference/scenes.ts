/**
 * Small seeded label images for tests of scores.
 *
 * @module
 */

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Discs, later ones over earlier ones. */
export function discs(
  { height, width }: { height: number; width: number },
  { cells, radius, random }: {
    cells: number;
    radius: number;
    random: () => number;
  },
): Uint32Array {
  const labels = new Uint32Array(height * width);
  for (let k = 1; k <= cells; k++) {
    const cy = random() * height, cx = random() * width;
    const r = radius * (0.5 + random());
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if ((y - cy) ** 2 + (x - cx) ** 2 <= r * r) labels[y * width + x] = k;
      }
    }
  }
  return labels;
}
