/**
 * Least squares with a penalty: the size model's few hundred numbers.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";

/** A fitted line. */
export interface Line {
  /** F f64 */
  readonly weight: Float64Array;
  readonly bias: number;
}

/**
 * Fit targets by a line of features: the features are scaled to deviation 1
 * first, the bias is not penalized.
 *
 * @param rows     N×F, row-major
 * @param targets  N
 * @param penalty  on the squared weights of the scaled features, a share of N
 * @throws {ArgumentError} if the counts do not fit
 *
 * Source: Hoerl and Kennard 1970; Cholesky's factors.
 */
export function fitRidge(
  rows: Float32Array,
  targets: Float64Array,
  penalty: number,
): Line {
  const n = targets.length;
  const f = rows.length / n;
  if (n === 0 || !Number.isInteger(f)) {
    throw new ArgumentError("rows", `${rows.length} values for ${n} targets`);
  }
  const { means, deviations } = describeColumns(rows, n);
  const meanTarget = targets.reduce((a, b) => a + b, 0) / n;

  // normal equations of the scaled features
  const a = new Float64Array(f * f);
  const b = new Float64Array(f);
  const row = new Float64Array(f);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < f; j++) {
      row[j] = (rows[i * f + j] - means[j]) / deviations[j];
    }
    for (let j = 0; j < f; j++) {
      b[j] += row[j] * (targets[i] - meanTarget);
      for (let k = 0; k <= j; k++) a[j * f + k] += row[j] * row[k];
    }
  }
  for (let j = 0; j < f; j++) a[j * f + j] += penalty * n;

  const solved = solve(a, b);
  const weight = solved.map((w, j) => w / deviations[j]);
  const bias = weight.reduce((sum, w, j) => sum - w * means[j], meanTarget);
  return { weight, bias };
}

/** Value of a line for row i. */
export function applyLine(
  { weight, bias }: Line,
  rows: Float32Array,
  i: number,
): number {
  const f = weight.length;
  return weight.reduce((sum, w, j) => sum + w * rows[i * f + j], bias);
}

function describeColumns(rows: Float32Array, n: number) {
  const f = rows.length / n;
  const means = new Float64Array(f);
  const squares = new Float64Array(f);
  for (const [i, value] of rows.entries()) means[i % f] += value / n;
  for (const [i, value] of rows.entries()) {
    squares[i % f] += (value - means[i % f]) ** 2 / n;
  }
  // a feature that never changes gets no weight through its own scale
  const deviations = squares.map((s) => s > 1e-12 ? Math.sqrt(s) : 1);
  return { means, deviations };
}

/** Solve a·x = b for a symmetric a of which the lower half is given. */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const f = b.length;
  const l = a.slice();
  for (let j = 0; j < f; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = l[j * f + k];
      for (let m = 0; m < k; m++) sum -= l[j * f + m] * l[k * f + m];
      l[j * f + k] = j === k ? Math.sqrt(sum) : sum / l[k * f + k];
    }
  }
  const x = b.slice();
  for (let j = 0; j < f; j++) {
    for (let k = 0; k < j; k++) x[j] -= l[j * f + k] * x[k];
    x[j] /= l[j * f + j];
  }
  for (let j = f - 1; j >= 0; j--) {
    for (let k = j + 1; k < f; k++) x[j] -= l[k * f + j] * x[k];
    x[j] /= l[j * f + j];
  }
  return x;
}
