/**
 * Labels as COCO's JSON: one annotation a cell, its mask in run lengths.
 *
 * @module
 */
import { checkLength, type LabelArray, type Size2D } from "../ndarray.ts";
import { type LabelImage, listLabels } from "./labels.ts";

/** Runs of one label, in columns: start and end by turns. */
type Runs = number[];

/** Rows of an image in which some labels are whole. */
export interface LabelRows {
  /** Rows `top` and following. */
  readonly masks: LabelArray;
  readonly top: number;
  /** Labels as they stand in the rows, and the ids that they get. */
  readonly labels: Iterable<readonly [label: number, id: number]>;
}

/**
 * Encode labels of one image.
 *
 * @param image     H×W
 * @param fileName  of the image
 * @returns         annotation ids are the labels
 */
export function encodeCoco(
  { masks, size }: LabelImage & { size: Size2D },
  fileName: string,
): string {
  checkLength("masks", masks, size.height * size.width);
  const labels = [...listLabels(masks)].map((k) => [k, k] as const);
  const { head, tail, annotate } = startCoco(size, fileName);
  return head + annotate({ masks, top: 0, labels }).join(",\n") + tail;
}

/**
 * The parts of a file whose labels come some at a time.
 *
 * @returns  `head`; `annotate`: one annotation a label, to be set apart by
 *           ",\n"; `tail`
 *
 * Source: the COCO data format; run lengths as in cocoapi's `maskApi.c`
 *   (`rleToString`): columns first, background first, 5 bits a character.
 */
export function startCoco(size: Size2D, fileName: string) {
  const image = JSON.stringify({ id: 1, file_name: fileName, ...size });
  return {
    head: `{"info":{"description":"cytoedge"},"images":[${image}],` +
      `"categories":[{"id":1,"name":"cell"}],"annotations":[\n`,
    annotate: (rows: LabelRows): string[] => {
      const runsOf = findRuns(rows, size);
      return [...rows.labels].map(([label, id]) =>
        JSON.stringify(annotate(id, runsOf.get(label) ?? [], size))
      );
    },
    tail: "\n]}\n",
  };
}

function findRuns(
  { masks, top, labels }: LabelRows,
  { height, width }: Size2D,
): Map<number, Runs> {
  const runsOf = new Map<number, Runs>();
  for (const [label] of labels) runsOf.set(label, []);
  const rows = masks.length / width;
  for (let x = 0; x < width; x++) {
    let y = 0;
    while (y < rows) {
      const label = masks[y * width + x];
      const from = y;
      while (y < rows && masks[y * width + x] === label) y++;
      const runs = runsOf.get(label);
      if (!runs) continue;
      const start = x * height + top + from;
      const end = x * height + top + y;
      // a run that goes on from the column before
      if (runs.at(-1) === start) runs[runs.length - 1] = end;
      else runs.push(start, end);
    }
  }
  return runsOf;
}

function annotate(label: number, runs: Runs, { height, width }: Size2D) {
  const counts: number[] = [];
  let [at, area] = [0, 0];
  let [top, bottom] = [height, 0];
  for (let i = 0; i < runs.length; i += 2) {
    counts.push(runs[i] - at, runs[i + 1] - runs[i]);
    at = runs[i + 1];
    area += runs[i + 1] - runs[i];
    const y = runs[i] % height;
    const end = y + runs[i + 1] - runs[i];
    top = end > height ? 0 : Math.min(top, y);
    bottom = Math.max(bottom, Math.min(height, end));
  }
  if (at < height * width) counts.push(height * width - at);
  const left = Math.floor(runs[0] / height);
  const right = Math.ceil(at / height);
  return {
    id: label,
    image_id: 1,
    category_id: 1,
    segmentation: { size: [height, width], counts: packCounts(counts) },
    area,
    bbox: [left, top, right - left, bottom - top],
    iscrowd: 0,
  };
}

/** Each count from the third on less the one two before; 6-bit characters. */
function packCounts(counts: readonly number[]): string {
  let text = "";
  counts.forEach((count, i) => {
    let rest = i > 2 ? count - counts[i - 2] : count;
    for (;;) {
      const low = rest & 31;
      rest >>= 5;
      const isLast = low & 16 ? rest === -1 : rest === 0;
      text += String.fromCharCode(48 + (isLast ? low : low | 32));
      if (isLast) break;
    }
  });
  return text;
}
