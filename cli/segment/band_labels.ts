/**
 * Labels in stores to TIFF, PNG, OME-Zarr and COCO.
 *
 * @module
 */
import { join } from "node:path";
import { startCoco } from "../../shared/image/coco.ts";
import { outputNames } from "../../shared/image/names.ts";
import { streamPng } from "../../shared/image/png_stream.ts";
import { streamTiff } from "../../shared/image/tiff_write.ts";
import { listZarrLabels } from "../../shared/image/zarr_write.ts";
import { createPace, takeTurns } from "../../wasm/mod.ts";
import type { BandContext, BandPlaneContext } from "./band_context.ts";
import { writeParts, writeWhole } from "./part_file.ts";

/** Labels of all planes as TIFF, in the narrowest type that holds them. */
export async function writeTiff(context: BandContext): Promise<string[]> {
  const { stem, folder, image: { pixelSize }, result } = context;
  const { planes, size: { height, width } } = result;
  const { isWide, readRows } = narrowRows(context);
  const name = outputNames(stem).tif;
  const pace = createPace();
  await writeParts(join(folder, name), (file) =>
    streamTiff({
      axes: planes.length > 1 ? "ZYX" : "YX",
      shape: [...(planes.length > 1 ? [planes.length] : []), height, width],
      ...(pixelSize ? { pixelSize } : {}),
      like: isWide ? new Uint32Array(0) : new Uint16Array(0),
      readRows: async (page, top, count) => {
        await pace(count * width);
        return readRows(page, top, count);
      },
    }, file.writeAt));
  return [name];
}

/** Labels of one plane as 16-bit PNG. */
export async function writePng(
  { folder, plane: { masks, size }, names }: BandPlaneContext,
): Promise<string[]> {
  await writeParts(join(folder, names.png), (file) =>
    streamPng({
      size,
      channels: 1,
      isWide: true,
      readRows: async (top, count) => {
        await takeTurns();
        const { width } = size;
        return Uint16Array.from(masks.read(top * width, count * width));
      },
    }, file.append));
  return [names.png];
}

/** Labels of all planes as OME-Zarr. */
export async function writeZarr(context: BandContext): Promise<string[]> {
  const { stem, folder, image: { pixelSize }, result } = context;
  const { planes: { length: depth }, size } = result;
  const name = outputNames(stem).zarr;
  const files: string[] = [];
  const labels = {
    size: depth > 1 ? { depth, ...size } : size,
    ...narrowRows(context),
  };
  const options = pixelSize ? { pixelSize } : {};
  for (const [path, content] of listZarrLabels(labels, options)) {
    await takeTurns();
    await writeWhole(join(folder, name, path), content);
    files.push(`${name}/${path}`);
  }
  return files;
}

/** Labels of one plane as COCO's JSON. */
export async function writeCoco(
  { core, fileName, folder, plane, names }: BandPlaneContext,
): Promise<string[]> {
  const { head, annotate, tail } = startCoco(plane.size, fileName);
  await writeParts(join(folder, names.coco), async (file) => {
    file.append(head);
    let isFirst = true;
    for await (const { labels, from, masks } of core.cutLabels(plane)) {
      const ids = labels.map((id, i) => [i + 1, id] as const);
      const cells = annotate({ masks, top: from, labels: ids });
      file.append((isFirst ? "" : ",\n") + cells.join(",\n"));
      isFirst = false;
    }
    file.append(tail);
  });
  return [names.coco];
}

/** Rows of labels in the narrowest type that holds those of all planes. */
function narrowRows({ result: { planes, size: { width } } }: BandContext) {
  const isWide = planes.some(({ count }) => count > 0xffff);
  return {
    isWide,
    readRows: (plane: number, top: number, count: number) => {
      const rows = planes[plane].masks.read(top * width, count * width);
      return isWide ? rows : Uint16Array.from(rows);
    },
  };
}
