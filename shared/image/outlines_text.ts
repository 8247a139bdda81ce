/**
 * Outlines as Cellpose's text: a line a cell, x and y by turns.
 *
 * @module
 */
import type { Rings } from "./rings.ts";

/**
 * Encode outlines.
 *
 * @param rings  over pixel centers, one a label: of `traceContours` with
 *   `along: "centers"`, `longest: true`
 * @returns      x1,y1,x2,y2,… a line; an empty line for 4 points or fewer
 *
 * Source: Cellpose 4.2.1.1 `outlines_to_text`, `outlines_list`.
 */
export function encodeOutlinesText({ points, offsets, labels }: Rings): string {
  let text = "";
  for (let ring = 0; ring < labels.length; ring++) {
    const [from, to] = [offsets[ring], offsets[ring + 1]];
    const line: number[] = [];
    if (to - from > 4) {
      for (let i = from; i < to; i++) {
        line.push(points[2 * i + 1], points[2 * i]);
      }
    }
    text += `${line.join(",")}\n`;
  }
  return text;
}
