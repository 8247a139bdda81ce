/**
 * Results in stores to files: those that are written without the masks in
 * memory.
 *
 * @module
 */
import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { OpenedImage } from "../../shared/image/band_layout.ts";
import { encodeGeoJson } from "../../shared/image/geojson.ts";
import { type OutputNames, outputNames } from "../../shared/image/names.ts";
import { encodeOutlinesText } from "../../shared/image/outlines_text.ts";
import { encodeRois } from "../../shared/image/roi.ts";
import { encodeCellTable } from "../../shared/image/table.ts";
import { streamTiff } from "../../shared/image/tiff_write.ts";
import type { SegmentResult } from "../../shared/pipeline/result.ts";
import type { BandPlaneResult } from "../../shared/pipeline/segment_bands.ts";
import type { Core } from "../../wasm/mod.ts";
import type { OutputName } from "../../shared/schema/output_kinds.ts";

/** What files are made of. */
export interface BandContext {
  readonly core: Core;
  readonly stem: string;
  readonly folder: string;
  readonly image: Omit<OpenedImage, "readBand">;
  readonly result: SegmentResult<BandPlaneResult>;
}

/** Puts a small file in place, whole or not at all. */
type Write = (file: string, content: Uint8Array | string) => Promise<void>;

/**
 * Write one kind of output.
 *
 * @returns names of the files
 */
export async function writeBandOutput(
  name: OutputName,
  context: BandContext,
  write: Write,
): Promise<string[]> {
  const { stem, result: { planes } } = context;
  if (name === "tif") return [await writeMasks(context)];
  const files: string[] = [];
  for (const [index, plane] of planes.entries()) {
    const number = `_z${String(index).padStart(3, "0")}`;
    const names = outputNames(planes.length > 1 ? stem + number : stem);
    const [file, content] = await encode(name, context, plane, names);
    await write(file, content);
    files.push(file);
  }
  return files;
}

async function encode(
  name: OutputName,
  { core, image }: BandContext,
  plane: BandPlaneResult,
  names: OutputNames,
): Promise<[file: string, content: Uint8Array | string]> {
  switch (name) {
    case "csv": {
      const { pixelSize, channelNames } = image;
      const table = encodeCellTable(plane.cells, {
        ...(pixelSize ? { pixelSize } : {}),
        ...(channelNames ? { channelNames } : {}),
      });
      return [names.csv, table];
    }
    case "rois":
      return [names.rois, encodeRois(await core.traceStored(plane))];
    case "geojson":
      return [
        names.geojson,
        encodeGeoJson(await core.traceStored(plane), plane.size),
      ];
    case "outlinesText": {
      const rings = await core.traceStored(plane, {
        along: "centers",
        longest: true,
      });
      return [names.outlinesText, encodeOutlinesText(rings)];
    }
    default:
      throw new RangeError(`${name} needs the masks in memory`);
  }
}

/** Labels of all planes as TIFF, in the narrowest type that holds them. */
async function writeMasks(
  { stem, folder, image, result }: BandContext,
): Promise<string> {
  const { planes, size: { height, width } } = result;
  const isWide = planes.some(({ count }) => count > 0xffff);
  const name = outputNames(stem).tif;
  const path = join(folder, name);
  const file = openSync(`${path}.part`, "w");
  try {
    await streamTiff({
      axes: planes.length > 1 ? "ZYX" : "YX",
      shape: [...(planes.length > 1 ? [planes.length] : []), height, width],
      ...(image.pixelSize ? { pixelSize: image.pixelSize } : {}),
      like: isWide ? new Uint32Array(0) : new Uint16Array(0),
      readRows: (page, top, count) => {
        const rows = planes[page].masks.read(top * width, count * width);
        return isWide ? rows : Uint16Array.from(rows);
      },
    }, (at, bytes) => {
      for (let done = 0; done < bytes.length;) {
        const left = bytes.length - done;
        done += writeSync(file, bytes, done, left, at + done);
      }
    });
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
  return name;
}
