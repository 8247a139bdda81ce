/**
 * NPY arrays whose rows are read where they are needed.
 *
 * @module
 */
import { decideAxes } from "./axes.ts";
import { layOutBands, type OpenedImage } from "./band_layout.ts";
import type { ByteSource } from "./byte_source.ts";
import { type DecodeOptions, nameDtype } from "./decoded.ts";
import { decodeNpyArray, readNpyHeader } from "./npy.ts";
import type { PixelArray } from "./types.ts";

/**
 * Open an array in C order, whose rows lie together.
 *
 * @returns  none for arrays that must be read whole
 */
export function openNpyImage(
  source: ByteSource,
  options: DecodeOptions,
): OpenedImage | undefined {
  const header = readNpyHeader(source.read(0, 1 << 16));
  const { descr, isFortran, shape, at } = header;
  // 64-bit integers are narrowed by the greatest of all
  if (isFortran || /^[<>=]?[iu]8$/.test(descr)) return undefined;
  const layout = layOutBands(decideAxes(shape, { given: options.axes }));
  const { width, height, channels, isInterleaved } = layout;
  const sampleBytes = Number(descr.slice(2));
  const planes = isInterleaved ? 1 : channels;
  const rowValues = width * (isInterleaved ? channels : 1);
  const decode = (bytes: Uint8Array) =>
    decodeNpyArray(bytes, {
      descr,
      isFortran,
      shape: [bytes.length / sampleBytes],
    }, { offset: at }).data as PixelArray;
  return {
    ...layout.facts,
    dtype: nameDtype(decode(source.read(at, at + sampleBytes))),
    format: "npy",
    isBanded: true,
    readBand(plane, top, count) {
      const bytes = new Uint8Array(planes * count * rowValues * sampleBytes);
      const length = bytes.length / planes;
      for (let c = 0; c < planes; c++) {
        const place = layout.placeOf(plane, c);
        const from = at + (place * height + top) * rowValues * sampleBytes;
        bytes.set(source.read(from, from + length), c * length);
      }
      return Promise.resolve(layout.nameBand(decode(bytes), count));
    },
  };
}
