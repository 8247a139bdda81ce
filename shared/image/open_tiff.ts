/**
 * TIFF images whose strips and tiles are read where they are needed.
 *
 * @module
 */
import { UnsupportedFormatError } from "../errors.ts";
import { allocate, layOutBands, type OpenedImage } from "./band_layout.ts";
import type { ByteSource } from "./byte_source.ts";
import { type DecodeOptions, nameDtype } from "./decoded.ts";
import { createBudget } from "./limits.ts";
import { cacheRows } from "./row_cache.ts";
import { layOutPages, nameAxes } from "./tiff_axes.ts";
import { openTiffFiles } from "./tiff_files.ts";

/** Strips and tiles that are unpacked to read some of their rows, bytes. */
const MAX_BLOCK = 2 ** 28;

/** Open a TIFF image; see `openImage`. */
export async function openTiffImage(
  source: ByteSource,
  options: DecodeOptions,
): Promise<OpenedImage> {
  const limits = { maxRatio: Infinity, ...options.limits };
  const budget = createBudget(limits);
  const tiff = openTiffFiles(source, budget, options.siblings);
  const pages = layOutPages(tiff);
  const [firstPage] = pages.order;
  const page = tiff.pages[firstPage];
  const { height, width, block } = page;
  const sample = await tiff.readRows(firstPage, 0, 1);
  const samples = sample.length / width;
  const size = { height, width, channels: samples };
  const axes = nameAxes(pages, size, options.axes);
  const layout = layOutBands(axes);
  const { channels, isInterleaved } = layout;
  const blockSize = Math.min(block.height, height) * width *
    samples * sample.BYTES_PER_ELEMENT;
  if (page.compression !== 1 && blockSize > MAX_BLOCK) {
    throw new UnsupportedFormatError(
      `A TIFF whose strips unpack to ${blockSize} bytes, in bands`,
      ["tiles and smaller strips"],
      {
        advice:
          "Write it anew in tiles, as tifffile does with tile=(512, 512), or raise the memory budget",
      },
    );
  }
  const planes = isInterleaved ? 1 : channels;
  const readBand = cacheRows({
    height,
    blockRows: page.compression === 1 ? 1 : block.height,
    rowValues: width * samples * planes,
    planes,
    async read(plane, top, count) {
      const length = count * width * samples;
      const out = allocate(sample, planes * length);
      for (let c = 0; c < planes; c++) {
        const place = layout.placeOf(plane, c);
        const rows = await tiff.readRows(pages.order[place], top, count);
        out.set(rows, c * length);
      }
      return out;
    },
  });
  return {
    ...layout.facts,
    dtype: nameDtype(sample),
    format: "tiff",
    ...(pages.pixelSize && { pixelSize: pages.pixelSize }),
    ...(pages.channelNames && { channelNames: pages.channelNames }),
    warnings: [...pages.warnings, ...axes.warnings],
    isBanded: true,
    readBand: async (plane, top, count) =>
      layout.nameBand(await readBand(plane, top, count), count),
  };
}
