/**
 * The same methods on real labels: from the flows of the truth back to masks.
 *
 * A folder of labelled images: `manifest.json` holds `images`, each with
 * `labels` (a file of the folder) and `modality`. Label images are PNG; other
 * formats (volumes, time-lapses) are left out.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodePng } from "../../shared/image/png.ts";
import { isVolume, type Size2D } from "../../shared/ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import { type Method, METHODS } from "./methods.ts";
import { type Statistic, summarizeEach } from "./statistics.ts";

/** Methods that need no image of a kind of its own. */
export const REAL_METHODS = ["report", "ours", "cellpose"] as const;
export type RealMethod = (typeof REAL_METHODS)[number] & Method;

/** One kind of images. */
export interface RealRow {
  readonly modality: string;
  readonly images: number;
  readonly cells: number;
  /** Over images. */
  readonly iou: Readonly<Record<RealMethod, Statistic>>;
  readonly ap50: Readonly<Record<RealMethod, Statistic>>;
}

/** A label image and its kind. */
export interface Labelled {
  readonly labels: string;
  readonly modality: string;
}

/**
 * Read the list of a folder's label images.
 *
 * @throws if the folder has no `manifest.json` that can be read
 */
export async function listLabels(directory: string): Promise<Labelled[]> {
  const text = await readFile(join(directory, "manifest.json"), "utf8");
  const { images } = JSON.parse(text) as { images?: Labelled[] };
  if (!Array.isArray(images)) {
    throw new Error(`${directory}: manifest.json has no list of images`);
  }
  return images.filter(({ labels }) => labels.endsWith(".png"))
    .map(({ labels, modality }) => ({
      labels: join(directory, labels),
      modality,
    }));
}

/** Score every method on each kind of images. */
export async function runRealLabels(
  core: Core,
  images: readonly Labelled[],
): Promise<RealRow[]> {
  const kinds = new Map<string, Score[]>();
  for (const { labels, modality } of images) {
    const score = await scoreImage(
      core,
      new Uint8Array(await readFile(labels)),
    );
    if (score.cells === 0) continue;
    kinds.set(modality, [...kinds.get(modality) ?? [], score]);
  }
  return [...kinds].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([modality, scores]) => ({
      modality,
      images: scores.length,
      cells: scores.reduce((sum, { cells }) => sum + cells, 0),
      iou: summarizeEach<RealMethod>(scores.map(({ iou }) => iou)),
      ap50: summarizeEach<RealMethod>(scores.map(({ ap50 }) => ap50)),
    }));
}

interface Score {
  readonly cells: number;
  readonly iou: Record<RealMethod, number>;
  readonly ap50: Record<RealMethod, number>;
}

async function scoreImage(core: Core, bytes: Uint8Array): Promise<Score> {
  const { data, size, channels } = await decodePng(bytes);
  if (isVolume(size) || channels !== 1) {
    throw new Error(`A label image has ${channels} channels, not 1`);
  }
  const labels = Uint32Array.from(data);
  const truth = { labels, size: size as Size2D, seed: 0 };
  const score = {
    cells: new Set(labels).size - (labels.includes(0) ? 1 : 0),
    iou: {} as Record<RealMethod, number>,
    ap50: {} as Record<RealMethod, number>,
  };
  for (const method of REAL_METHODS) {
    const masks = METHODS[method](core, truth);
    score.iou[method] = core.meanIou(labels, masks, size);
    const [{ ap }] = core.averagePrecision(labels, masks, size, [0.5]);
    score.ap50[method] = ap;
  }
  return score;
}
