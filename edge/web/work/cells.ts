/**
 * Cells: compared with truth, measured, read from files and written to them.
 *
 * @module
 */
import { encodeGeoJson } from "../../../shared/image/geojson.ts";
import {
  encodeLabelPng,
  encodeLabelTiff,
} from "../../../shared/image/labels.ts";
import { encodeRois } from "../../../shared/image/roi.ts";
import { encodeSegNpy } from "../../../shared/image/seg_npy_write.ts";
import { encodeCellTable } from "../../../shared/image/table.ts";
import { encodeTiff } from "../../../shared/image/tiff_write.ts";
import type { PixelArray } from "../../../shared/image/types.ts";
import type { Size2D } from "../../../shared/ndarray.ts";
import { type Packed, unpack } from "../edit/packed.ts";
import type { Verdict } from "../view/colors.ts";
import { openCore } from "./core.ts";
import type { Measured } from "./measure.ts";

/** Files that labels are written as. */
export type LabelFormat = "seg" | "tif" | "png" | "roi" | "geojson";

/** Labels of an image, packed. */
interface Labelled {
  readonly packed: Packed;
  readonly size: Size2D;
}

/** Compare masks with truth: scores, and what became of each cell. */
export async function score(
  { truth: packedTruth, packed, size }: Labelled & { truth: Packed },
) {
  const core = await openCore();
  const truth = unpack(packedTruth);
  const masks = unpack(packed);
  const scores = core.scoreMasks(truth, masks, size);
  const match = core.matchMasks(truth, masks, size);
  const verdicts: [label: number, verdict: Verdict][] = [];
  const ofTruth: [label: number, verdict: Verdict][] = [];
  const isFound = (k: number) => match.iou[k] >= match.threshold;
  const found = new Set(
    [...match.prediction].filter((_, k) => isFound(k)),
  );
  const known = new Set([...match.truth].filter((_, k) => isFound(k)));
  for (const label of core.measureRegions(masks, size).label) {
    verdicts.push([label, found.has(label) ? "tp" : "fp"]);
  }
  for (const label of core.measureRegions(truth, size).label) {
    if (!known.has(label)) ofTruth.push([label, "fn"]);
  }
  const { splits, merges } = scores.errors;
  for (const group of splits) {
    for (const part of group.parts) verdicts.push([part, "split"]);
  }
  for (const group of merges) verdicts.push([group.label, "merge"]);
  const { precision, aji, panoptic, cells, meanIou } = scores;
  return {
    precision,
    aji,
    panoptic,
    cells,
    meanIou,
    splits: splits.length,
    merges: merges.length,
    verdicts,
    ofTruth,
  };
}

/** Scores and verdicts. */
export type Scores = Awaited<ReturnType<typeof score>>;

/** Write the table of cells as CSV. */
export function writeTable(
  { cells, channelNames }: { cells: Measured; channelNames: readonly string[] },
): string {
  return encodeCellTable(
    cells,
    channelNames.length > 0 ? { channelNames } : {},
  );
}

/** Write labels as a file. */
export async function writeLabels(
  { packed, size, format, name }: Labelled & {
    format: LabelFormat;
    name: string;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const masks = unpack(packed);
  if (format === "tif") return copy(encodeLabelTiff({ masks, size }));
  if (format === "png") return copy(encodeLabelPng({ masks, size }));
  if (format === "seg") {
    return copy(encodeSegNpy({ masks, size, filename: name }));
  }
  const core = await openCore();
  const rings = core.traceContours(masks, size);
  if (format === "roi") return copy(encodeRois(rings));
  return copy(new TextEncoder().encode(encodeGeoJson(rings, size)));
}

/** Write one plane as TIFF, for a service that takes files. */
export function writePlane(
  { data, shape, channelNames }: {
    data: PixelArray;
    shape: readonly number[];
    channelNames: readonly string[];
  },
): Uint8Array<ArrayBuffer> {
  return copy(encodeTiff({
    data: data as Uint16Array,
    axes: "CYX",
    shape,
    ...(channelNames.length > 0 ? { channelNames } : {}),
  }));
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
