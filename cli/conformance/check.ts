/**
 * Checks of a conformance case: an error, its limit, and whether it passed.
 *
 * @module
 */

/** One comparison of the core with the peer. */
export interface Check {
  /** What was compared. */
  readonly name: string;
  /** How far apart they are; Infinity where they cannot be compared. */
  readonly error: number;
  /** Largest error that passes; 0 asks for equality. */
  readonly limit: number;
  /** What `error` counts. */
  readonly unit: string;
}

/** True where the error is within its limit; NaN never is. */
export function isPassed(check: Check): boolean {
  return check.error <= check.limit;
}

/** Error as a multiple of its limit, to find the worst of several checks. */
export function severity(check: Check): number {
  if (Number.isNaN(check.error)) return Infinity;
  if (check.error === 0) return 0;
  return check.limit === 0 ? Infinity : check.error / check.limit;
}

/** One check in words, such as `flows 3.1e-7 (99.9 % of pixels, limit 0.0001)`. */
export function describe(check: Check): string {
  const error = Number.isInteger(check.error)
    ? `${check.error}`
    : check.error.toPrecision(3);
  return `${check.name} ${error} (${check.unit}, limit ${check.limit})`;
}

/**
 * Require that most errors are within a limit.
 *
 * @param errors  one absolute error a pixel; sorted in place, NaN counts as
 *                infinite
 * @param share   part of the pixels that must be within the limit, 0 to 1
 * @returns       a check of the smallest bound that holds for that share
 */
export function mostWithin(
  name: string,
  errors: Float64Array,
  { share, limit, unit }: { share: number; limit: number; unit: string },
): Check {
  for (let i = 0; i < errors.length; i++) {
    if (Number.isNaN(errors[i])) errors[i] = Infinity;
  }
  errors.sort();
  const rank = Math.ceil(share * errors.length - 1e-9);
  const error = rank === 0 ? 0 : errors[rank - 1];
  const percent = Number((share * 100).toFixed(6));
  return { name, error, limit, unit: `${unit}, ${percent} % of pixels` };
}

/** Require equality: the error is the number of elements that differ. */
export function exactly(
  name: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): Check {
  const unit = "elements that differ";
  if (ours.length !== theirs.length) {
    return { name, error: Infinity, limit: 0, unit };
  }
  let error = 0;
  for (let i = 0; i < theirs.length; i++) if (ours[i] !== theirs[i]) error++;
  return { name, error, limit: 0, unit };
}

/** Require that the largest difference is at most `limit`, in plain units. */
export function closely(
  name: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  limit: number,
): Check {
  const error = largestDifference(ours, theirs);
  return { name, error, limit, unit: "largest difference" };
}

/** Require that the largest difference is at most `limit` of the peer's range. */
export function relatively(
  name: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  limit: number,
): Check {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < theirs.length; i++) {
    low = Math.min(low, theirs[i]);
    high = Math.max(high, theirs[i]);
  }
  // a constant result has no range: its magnitude stands in
  const range = high > low ? high - low : Math.max(Math.abs(high), 1);
  const error = largestDifference(ours, theirs) / range;
  return { name, error, limit, unit: "part of the range" };
}

function largestDifference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): number {
  if (ours.length !== theirs.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    // NaN and Infinity agree only with themselves
    if (Object.is(ours[i], theirs[i])) continue;
    const difference = Math.abs(ours[i] - theirs[i]);
    if (!(difference <= largest)) {
      largest = Number.isNaN(difference) ? Infinity : difference;
    }
  }
  return largest;
}
