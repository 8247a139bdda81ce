/**
 * Figures 5 and 6 in words: the text is chosen by the numbers.
 *
 * @module
 */
import { type Figure6Point, spreadOf } from "./figures56.ts";
import { plusMinus, table } from "./markdown.ts";
import type { Results } from "./run.ts";
import { FIGURE_6_EPS } from "./scenarios.ts";

/** Curves nearer than this are one. */
const SAME = 0.005;
/** From here on, says the report, the curves of eps 1.5–5 are one. */
const REPORT_MEETS = 150;

/** Figure 5: counts for each eps. */
export function writeFigure5({ figure5 }: Results): string {
  const rows = figure5.map((row) => [
    `${row.eps}`,
    plusMinus(row.tp, 1),
    plusMinus(row.fp, 1),
    plusMinus(row.fn, 1),
    plusMinus(row.iou),
    `${row.published}, ${row.publishedIou}`,
  ]);
  const [small, , large] = figure5;
  return `## Figure 5

20 cells, N = 20 steps, the report's pipeline.

${table(["eps", "TP", "FP", "FN", "mean IoU", "published"], rows)}

${
    small.fp.mean > large.fp.mean && large.fn.mean > small.fn.mean
      ? "As in the report, a small eps breaks cells whose points have not arrived yet into false positives, and a large one joins neighbors, which costs cells"
      : "Other than in the report, a small eps does not give more false positives and a large one not more missed cells"
  }: FP fall from ${small.fp.mean.toFixed(1)} to ${
    large.fp.mean.toFixed(1)
  }, FN go from ${small.fn.mean.toFixed(1)} to ${
    large.fn.mean.toFixed(1)
  } between eps ${small.eps} and ${large.eps}. The published counts are of one scene whose overlap is not given, so that only their order can be compared.

![TP, FP and FN of each eps; diamonds are published counts](figure5.svg)`;
}

/** Figure 6: does the choice of eps still matter after many steps? */
export function writeFigure6(points: readonly Figure6Point[]): string {
  const wide = spreadOf(points, FIGURE_6_EPS.filter((eps) => eps >= 1.5));
  const late = wide.filter(({ niter }) => niter >= REPORT_MEETS);
  const most = Math.max(...late.map(({ spread }) => spread));
  const firstSame = wide.findIndex((_, k) =>
    k > 0 && wide.slice(k).every(({ spread }) => spread < SAME)
  );
  const meets = most < SAME;
  const at = (eps: number, niter: number) => {
    const point = points.find((p) => p.eps === eps && p.niter === niter);
    return point ? point.iou.mean.toFixed(3) : "–";
  };
  const shown = [10, 20, 50, 150, 200];
  const rows = FIGURE_6_EPS.map((eps) => [
    `${eps}`,
    ...shown.map((niter) => at(eps, niter)),
  ]);
  return `## Figure 6

Mean IoU against the number of Euler steps N.

${table(["eps", ...shown.map((niter) => `N = ${niter}`)], rows)}

![Mean IoU against N for each eps](figure6.svg)

**Do the curves of eps 1.5–5 meet above N = ${REPORT_MEETS}?** ${
    meets ? "Yes" : "No"
  }: from there on their means differ by at most ${most.toFixed(4)}.${
    firstSame > 0
      ? ` They meet earlier: from N = ${
        wide[firstSame].niter
      } on they differ by less than ${SAME}.`
      : ""
  } A cell's points have then gathered within a pixel or two, and centroids of different cells are mostly farther apart than any of these eps. What is still missing at N = 200 is not a matter of eps: those pixels have arrived at another cell's centroid.`;
}
