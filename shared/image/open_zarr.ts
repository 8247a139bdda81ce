/**
 * OME-Zarr images whose chunks are read where they are needed.
 *
 * @module
 */
import { UnsupportedFormatError } from "../errors.ts";
import { indicesOf, layOutBands, type OpenedImage } from "./band_layout.ts";
import { type DecodeOptions, nameDtype } from "./decoded.ts";
import { cacheRows } from "./row_cache.ts";
import type { PixelArray } from "./types.ts";
import { openZarr, type ZarrStore } from "./zarr.ts";

/** Open an OME-Zarr image; otherwise as `openImage`. */
export async function openZarrImage(
  store: ZarrStore,
  options: DecodeOptions = {},
): Promise<OpenedImage> {
  const { axes, facts, dtype, chunkRows, read } = await openZarr(
    store,
    options,
  );
  if (/64$/.test(dtype) && dtype !== "float64") {
    throw new UnsupportedFormatError(`The Zarr type ${dtype}, in bands`, [
      "integers of 32 bits",
      "floats",
    ]);
  }
  const layout = layOutBands(axes);
  const { width, channels, leading, isInterleaved } = layout;
  const select = async (plane: number, top: number, count: number) => {
    const at = indicesOf(leading, plane);
    const selection = [...axes.axes].map((axis) =>
      axis === "Y" ? [top, top + count] as const : at.get(axis) ?? null
    );
    return await read(selection) as PixelArray;
  };
  const readBand = cacheRows({
    height: layout.height,
    // a band of chunks; planes of all channels are one after the other
    blockRows: chunkRows,
    rowValues: width * channels,
    planes: isInterleaved ? 1 : channels,
    read: select,
  });
  const first = await readBand(0, 0, 1);
  return {
    ...layout.facts,
    dtype: nameDtype(first),
    format: "zarr",
    ...(facts.pixelSize && { pixelSize: facts.pixelSize }),
    ...(facts.channelNames && { channelNames: facts.channelNames }),
    warnings: axes.warnings,
    isBanded: true,
    readBand: async (plane, top, count) =>
      layout.nameBand(await readBand(plane, top, count), count),
  };
}
