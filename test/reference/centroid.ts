/**
 * Unit vectors to centroids, one cell after the other.
 *
 * @param shape  [H, W] or [D, H, W]
 * @returns      one plane an axis
 */
export function centroidReference(
  labels: ArrayLike<number>,
  shape: number[],
  inside: boolean,
): Float32Array {
  const pixels = labels.length;
  const place = (pixel: number): number[] => {
    const at: number[] = [];
    for (const edge of shape.toReversed()) {
      at.unshift(pixel % edge);
      pixel = Math.floor(pixel / edge);
    }
    return at;
  };
  const flows = new Float32Array(pixels * shape.length);
  for (const label of new Set(Array.from(labels))) {
    if (label === 0) continue;
    const cell: number[] = [];
    for (let i = 0; i < pixels; i++) if (labels[i] === label) cell.push(i);
    let target = shape.map((_, axis) =>
      cell.reduce((sum, i) => sum + place(i)[axis], 0) / cell.length
    );
    const square = (i: number) =>
      place(i).reduce((sum, v, axis) => sum + (target[axis] - v) ** 2, 0);
    const rounded = target.map((v) => Math.floor(v + 0.5));
    if (inside && !cell.some((i) => `${place(i)}` === `${rounded}`)) {
      const nearest = cell.reduce((a, b) => square(b) < square(a) ? b : a);
      target = place(nearest);
    }
    for (const i of cell) {
      const length = Math.sqrt(square(i));
      if (length === 0) continue;
      for (let axis = 0; axis < shape.length; axis++) {
        flows[axis * pixels + i] = (target[axis] - place(i)[axis]) / length;
      }
    }
  }
  return flows;
}
