/**
 * DBSCAN over all pairs: queue-based, as in Ester et al. 1996.
 *
 * @param points  P×axes
 * @returns       P labels numbered by their first point, 0 = noise
 */
export function dbscanReference(
  points: Float32Array,
  axes: number,
  eps: number,
  minSamples: number,
): Uint32Array {
  const count = points.length / axes;
  const neighbors = (i: number): number[] => {
    const near: number[] = [];
    for (let j = 0; j < count; j++) {
      let square = 0;
      for (let axis = 0; axis < axes; axis++) {
        const d = points[i * axes + axis] - points[j * axes + axis];
        square += d * d;
      }
      if (square <= eps * eps) near.push(j);
    }
    return near;
  };

  const labels = new Uint32Array(count);
  let clusters = 0;
  for (let i = 0; i < count; i++) {
    if (labels[i] > 0 || neighbors(i).length < minSamples) continue;
    clusters++;
    labels[i] = clusters;
    const queue = [i];
    for (let j = queue.pop(); j !== undefined; j = queue.pop()) {
      const near = neighbors(j);
      if (near.length < minSamples) continue;
      for (const k of near) {
        if (labels[k] > 0) continue;
        labels[k] = clusters;
        queue.push(k);
      }
    }
  }
  return renumberByFirst(labels);
}

function renumberByFirst(labels: Uint32Array): Uint32Array {
  const order = new Map<number, number>();
  return labels.map((label) => {
    if (label === 0) return 0;
    const known = order.get(label) ?? order.size + 1;
    order.set(label, known);
    return known;
  });
}
