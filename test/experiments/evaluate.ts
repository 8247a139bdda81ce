/**
 * Methods on labelled images: AP at an IoU of 0.5 (TP over TP+FP+FN) of each
 * image, then the mean of each kind. Nothing found where nothing is counts 1.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import type { Found, ImageMethod } from "./baselines.ts";
import {
  type LabelledImage,
  type LabelledItem,
  readItem,
} from "./labelled_images.ts";

/** One image's scores. */
export interface ImageRow {
  readonly image: string;
  readonly kind: string;
  readonly cells: number;
  /** Median diameter of the truth, pixels. */
  readonly diameter: number;
  /** AP50 by method. */
  readonly ap: Readonly<Record<string, number>>;
  /** Diameter that each method used, pixels. */
  readonly used: Readonly<Record<string, number | null>>;
}

/** One kind's scores: means over its items, frames of a film as one. */
export interface KindRow {
  readonly kind: string;
  readonly images: number;
  readonly cells: number;
  readonly ap: Readonly<Record<string, number>>;
}

/** What an evaluation is told of as it goes. */
export type OnImage = (
  image: LabelledImage,
  row: ImageRow,
  found: Readonly<Record<string, Found>>,
) => Promise<void> | void;

/**
 * Score methods on the items of a folder.
 *
 * @returns rows of all images; items without a 2-D image in `leftOut`
 */
export async function evaluate(
  core: Core,
  { folder, items, methods, onImage }: {
    folder: string;
    items: readonly LabelledItem[];
    methods: Readonly<Record<string, ImageMethod>>;
    onImage?: OnImage;
  },
): Promise<{ rows: ImageRow[]; leftOut: string[] }> {
  const rows: ImageRow[] = [];
  const leftOut: string[] = [];
  for (const item of items) {
    const images = await readItem(folder, item);
    if (images.length === 0) leftOut.push(item.file);
    for (const image of images) {
      const found: Record<string, Found> = {};
      const ap: Record<string, number> = {};
      for (const [name, method] of Object.entries(methods)) {
        found[name] = await method(image);
        ap[name] = core.averagePrecision(
          image.truth,
          found[name].masks,
          image.size,
          [0.5],
        )[0].ap;
      }
      const { labels, diameter } = core.estimateDiameter(
        image.truth,
        image.size,
      );
      const row = {
        image: image.name,
        kind: image.kind,
        cells: labels.length,
        diameter,
        ap,
        used: Object.fromEntries(
          Object.entries(found).map(([name, { diameter }]) => [name, diameter]),
        ),
      };
      rows.push(row);
      await onImage?.(image, row, found);
    }
  }
  return { rows, leftOut };
}

/** Means of each kind, in the order of its name; a film's frames are one. */
export function summarizeKinds(rows: readonly ImageRow[]): KindRow[] {
  const kinds = Map.groupBy(rows, ({ kind }) => kind);
  return [...kinds].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, all]) => {
    const items = [
      ...Map.groupBy(all, ({ image }) => image.replace(/_t\d+$/, "")).values(),
    ];
    const names = Object.keys(all[0].ap);
    const ap = Object.fromEntries(names.map((name) => [
      name,
      mean(items.map((frames) => mean(frames.map((row) => row.ap[name])))),
    ]));
    return {
      kind,
      images: items.length,
      cells: all.reduce((sum, { cells }) => sum + cells, 0),
      ap,
    };
  });
}

/** A Markdown table of kinds. */
export function tabulateKinds(kinds: readonly KindRow[]): string {
  const names = Object.keys(kinds[0]?.ap ?? {});
  const head = ["kind", "images", "cells", ...names];
  const lines = kinds.map(({ kind, images, cells, ap }) => [
    kind,
    `${images}`,
    `${cells}`,
    ...names.map((name) => ap[name].toFixed(3)),
  ]);
  return [head, head.map((_, i) => i === 0 ? "---" : "--:"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
