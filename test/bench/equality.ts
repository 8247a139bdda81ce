/**
 * Do two programs give the same? Asserted before anything is timed.
 *
 * @module
 */

/** Flows differ by no more than this… */
const FLOW_TOLERANCE = 1e-4;
/** …on this share of the pixels of cells. */
const FLOW_SHARE = 0.999;
/** Masks are the same on this share of all pixels. */
const MASK_SHARE = 0.995;
/** AP differs by no more than this. */
const AP_TOLERANCE = 1e-6;

/**
 * Assert that flows agree on the pixels of cells.
 *
 * @returns the share of these pixels that agree
 */
export function assertSameFlows(
  name: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  labels: ArrayLike<number>,
): number {
  const axes = ours.length / labels.length;
  let cells = 0;
  let same = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    cells++;
    let worst = 0;
    for (let axis = 0; axis < axes; axis++) {
      const at = axis * labels.length + i;
      worst = Math.max(worst, Math.abs(ours[at] - theirs[at]));
    }
    if (worst <= FLOW_TOLERANCE) same++;
  }
  return assertShare(`flows and ${name}'s`, same / cells, FLOW_SHARE);
}

/**
 * Assert that masks agree, whatever their numbers are.
 *
 * @returns the share of pixels that agree
 */
export function assertSameMasks(
  name: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): number {
  // each of our labels means the label of theirs it shares most pixels with
  const pairs = new Map<number, number>();
  const width = 2 ** 26;
  for (let i = 0; i < ours.length; i++) {
    const pair = ours[i] * width + theirs[i];
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  const taken = new Set<number>();
  const done = new Set<number>();
  let same = 0;
  for (const [pair, count] of [...pairs].sort((a, b) => b[1] - a[1])) {
    const their = pair % width;
    const our = Math.floor(pair / width);
    // background is background
    if ((our === 0) !== (their === 0)) continue;
    if (done.has(our) || taken.has(their)) continue;
    done.add(our);
    taken.add(their);
    same += count;
  }
  return assertShare(`masks and ${name}'s`, same / ours.length, MASK_SHARE);
}

/** Assert that a list of AP values is the same. */
export function assertSamePrecision(
  name: string,
  ours: readonly number[],
  theirs: ArrayLike<number>,
): void {
  ours.forEach((ap, k) => {
    if (!(Math.abs(ap - theirs[k]) <= AP_TOLERANCE)) {
      throw new Error(`AP ${ap} is not ${name}'s ${theirs[k]}`);
    }
  });
}

function assertShare(what: string, share: number, least: number): number {
  if (!(share >= least)) {
    throw new Error(
      `Our ${what} agree on ${(100 * share).toFixed(3)} %, ${
        100 * least
      } % are needed`,
    );
  }
  return share;
}
