/**
 * Results in stores to files, none of which is ever in memory as a whole but
 * the tables and outlines, which grow with the number of cells.
 *
 * @module
 */
import { join } from "node:path";
import { encodeGeoJson } from "../../shared/image/geojson.ts";
import { outputNames } from "../../shared/image/names.ts";
import { encodeOutlinesText } from "../../shared/image/outlines_text.ts";
import { encodeRois } from "../../shared/image/roi.ts";
import { encodeCellTable } from "../../shared/image/table.ts";
import type { OutputName } from "../../shared/schema/output_kinds.ts";
import type { BandContext, BandPlaneContext } from "./band_context.ts";
import { writeCoco, writePng, writeTiff, writeZarr } from "./band_labels.ts";
import {
  writeFlows,
  writeOutlinesPng,
  writeOverlaySvg,
} from "./band_pictures.ts";
import { writeSeg } from "./band_seg.ts";
import { writeWhole } from "./part_file.ts";

/** Most labels that a 16-bit PNG holds. */
const MAX_PNG = 65535;

/**
 * Write one kind of output: what `writeOutput` gives of the same masks in
 * memory, PNG packed a little differently.
 *
 * @returns names of the files
 */
export async function writeBandOutput(
  name: OutputName,
  context: BandContext,
): Promise<string[]> {
  const { stem, result: { planes } } = context;
  const isStack = planes.length > 1;
  const isPngTooSmall = isStack || planes[0].count > MAX_PNG;
  const kind = name === "png" && isPngTooSmall ? "tif" : name;
  const whole = WHOLE[kind];
  if (whole) return await whole(context);
  const files: string[] = [];
  for (const [index, plane] of planes.entries()) {
    const number = `_z${String(index).padStart(3, "0")}`;
    const names = outputNames(isStack ? stem + number : stem);
    const written = await EACH[kind]?.({ ...context, index, plane, names });
    files.push(...written ?? []);
  }
  return files;
}

/** Kinds that hold a stack in one file. */
const WHOLE: Partial<
  Record<OutputName, (context: BandContext) => Promise<string[]>>
> = { tif: writeTiff, zarr: writeZarr, seg: writeSeg };

/** Kinds that hold an image. */
const EACH: Partial<
  Record<OutputName, (context: BandPlaneContext) => Promise<string[]>>
> = {
  png: writePng,
  coco: writeCoco,
  flows: writeFlows,
  outlinesPng: writeOutlinesPng,
  overlay: writeOverlaySvg,
  async csv({ folder, plane, image: { pixelSize, channelNames }, names }) {
    const table = encodeCellTable(plane.cells, {
      ...(pixelSize ? { pixelSize } : {}),
      ...(channelNames ? { channelNames } : {}),
    });
    await writeWhole(join(folder, names.csv), table);
    return [names.csv];
  },
  async rois({ core, folder, plane, names }) {
    const rings = await core.traceStored(plane);
    await writeWhole(join(folder, names.rois), encodeRois(rings));
    return [names.rois];
  },
  async geojson({ core, folder, plane, names }) {
    const rings = await core.traceStored(plane);
    const text = encodeGeoJson(rings, plane.size);
    await writeWhole(join(folder, names.geojson), text);
    return [names.geojson];
  },
  async outlinesText({ core, folder, plane, names }) {
    const rings = await core.traceStored(plane, {
      along: "centers",
      longest: true,
    });
    const text = encodeOutlinesText(rings);
    await writeWhole(join(folder, names.outlinesText), text);
    return [names.outlinesText];
  },
};
