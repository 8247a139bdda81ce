/**
 * Operators of networks in float64, slow and obvious, and finite differences.
 *
 * @module
 */

/** A float64 tensor in C order. */
export interface Tensor64 {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** A function of tensors. */
export type Function64 = (...inputs: Tensor64[]) => Tensor64;

/** A tensor of a shape, element by element by its index. */
export function make(
  shape: readonly number[],
  value: (at: number[]) => number,
): Tensor64 {
  const count = shape.reduce((n, m) => n * m, 1);
  const data = new Float64Array(count);
  const at = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    data[i] = value(at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++at[axis] < shape[axis]) break;
      at[axis] = 0;
    }
  }
  return { data, shape };
}

/** An element; axes that are missing or of edge 1 are repeated. */
export function at({ data, shape }: Tensor64, index: readonly number[]) {
  const lead = index.length - shape.length;
  return data[
    shape.reduce((sum, edge, i) => {
      const place = index[i + lead];
      return sum * edge + (edge === 1 ? 0 : place);
    }, 0)
  ];
}

/** Matrix product of the last two axes; the others are repeated. */
export function matmul64(a: Tensor64, b: Tensor64): Tensor64 {
  const rank = Math.max(a.shape.length, b.shape.length);
  const lead = Array.from({ length: rank - 2 }, (_, i) =>
    Math.max(
      a.shape[i - rank + a.shape.length] ?? 1,
      b.shape[i - rank + b.shape.length] ?? 1,
    ));
  const inner = a.shape[a.shape.length - 1];
  const edges = [a.shape[a.shape.length - 2], b.shape[b.shape.length - 1]];
  return make([...lead, ...edges], (index) => {
    const batch = index.slice(0, -2);
    const [row, column] = index.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += at(a, [...batch, row, k]) * at(b, [...batch, k, column]);
    }
    return sum;
  });
}

/** Axes in another order. */
export function transpose64(x: Tensor64, order: readonly number[]): Tensor64 {
  return make(order.map((axis) => x.shape[axis]), (index) => {
    const place = [...index];
    order.forEach((axis, i) => place[axis] = index[i]);
    return at(x, place);
  });
}

/** Softmax over the last axis. */
export function softmax64(x: Tensor64): Tensor64 {
  return make(x.shape, (index) => {
    const row = Array.from(
      { length: x.shape[x.shape.length - 1] },
      (_, i) => Math.exp(at(x, [...index.slice(0, -1), i])),
    );
    return row[index[index.length - 1]] / row.reduce((a, b) => a + b, 0);
  });
}

/** Norm over the last axis, then scale and shift. */
export function layerNorm64(
  [x, scale, shift]: readonly Tensor64[],
  epsilon: number,
): Tensor64 {
  const count = x.shape[x.shape.length - 1];
  return make(x.shape, (index) => {
    const place = index[index.length - 1];
    const row = Array.from(
      { length: count },
      (_, i) => at(x, [...index.slice(0, -1), i]),
    );
    const mean = row.reduce((a, b) => a + b, 0) / count;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count;
    return (row[place] - mean) / Math.sqrt(variance + epsilon) *
        scale.data[place] + shift.data[place];
  });
}

/** Error function, by its Taylor series: exact to 1e-13 within ±4. */
export function erf64(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 || n < 30; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

/**
 * Gradient of Σ weights · f(inputs), by central differences.
 *
 * @param step  error grows with its square, rounding with its inverse
 */
export function differences(
  f: Function64,
  inputs: readonly Tensor64[],
  { weights, of, step = 1e-5 }: {
    weights: Float64Array;
    /** Which input. */
    of: number;
    step?: number;
  },
): Float64Array {
  const changed = { ...inputs[of], data: inputs[of].data.slice() };
  const all = inputs.map((input, i) => i === of ? changed : input);
  const total = () =>
    f(...all).data.reduce((sum, y, i) => sum + weights[i] * y, 0);
  return inputs[of].data.map((value, i) => {
    changed.data[i] = value + step;
    const above = total();
    changed.data[i] = value - step;
    const below = total();
    changed.data[i] = value;
    return (above - below) / (2 * step);
  });
}
