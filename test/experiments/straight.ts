/**
 * How much of a cell sees its centroid: pixels from which the straight way
 * there stays within the cell. Centroid flows lead the others through another
 * cell or the background, where other flows, or none, take over.
 *
 * @module
 */

/** Ways are looked at every half pixel. */
const STEP = 0.5;

/**
 * Part of each label's pixels whose straight way to its centroid stays inside.
 *
 * @param labels  H×W, 0 = background
 */
export function findStraightShares(
  labels: Uint32Array,
  width: number,
): Map<number, number> {
  const cells = new Map<number, number[]>();
  labels.forEach((label, i) => {
    if (label === 0) return;
    const pixels = cells.get(label) ?? [];
    cells.set(label, pixels);
    pixels.push(i);
  });
  return new Map(
    Array.from(cells, ([label, pixels]) => {
      const mean = (f: (i: number) => number) =>
        pixels.reduce((sum, i) => sum + f(i), 0) / pixels.length;
      const cy = mean((i) => Math.floor(i / width));
      const cx = mean((i) => i % width);
      const straight = pixels.filter((i) => {
        const [y, x] = [Math.floor(i / width), i % width];
        const steps = Math.ceil(Math.hypot(cy - y, cx - x) / STEP);
        for (let k = 1; k <= steps; k++) {
          const v = Math.round(y + (cy - y) * k / steps);
          const u = Math.round(x + (cx - x) * k / steps);
          if (labels[v * width + u] !== label) return false;
        }
        return true;
      });
      return [label, straight.length / pixels.length];
    }),
  );
}
