/**
 * An image file whose rows are read where they are needed: only its header is
 * looked at before.
 *
 * TIFF, NPY and OME-Zarr are read in bands; other files are decoded whole.
 *
 * @module
 */
import { allocate, layOutBands, type OpenedImage } from "./band_layout.ts";
import type { ByteSource } from "./byte_source.ts";
import { decodeImage } from "./decode.ts";
import type { DecodedArray, DecodeOptions } from "./decoded.ts";
import { openNpyImage } from "./open_npy.ts";
import { openTiffImage } from "./open_tiff.ts";
import { sniffImage } from "./sniff.ts";

export {
  decodedBytes,
  type ImageBand,
  type OpenedImage,
} from "./band_layout.ts";
export { openZarrImage } from "./open_zarr.ts";

/**
 * Open an image.
 *
 * @param source   a file, or its bytes
 * @param options  axes; limits of what is unpacked at a time
 * @throws {UnsupportedFormatError | CorruptImageError | ImageTooLargeError}
 * @throws {ArgumentError} if the axes do not fit, or Y and X are not last
 */
export async function openImage(
  source: ByteSource,
  options: DecodeOptions = {},
): Promise<OpenedImage> {
  const format = sniffImage(source.read(0, 132));
  if (format === "tiff") return await openTiffImage(source, options);
  if (format === "npy") {
    const npy = openNpyImage(source, options);
    if (npy !== undefined) return npy;
  }
  return openDecoded(
    await decodeImage(source.read(0, source.length), options),
  );
}

/** A decoded image as an opened one. */
export function openDecoded(image: DecodedArray): OpenedImage {
  const { data, ...facts } = image;
  const { axes, shape, axesInferred, warnings } = image;
  const layout = layOutBands({
    axes,
    shape,
    inferred: axesInferred,
    warnings,
  });
  const { width, height, channels, isInterleaved } = layout;
  return {
    ...facts,
    ...layout.facts,
    isBanded: false,
    readBand: (plane, top, count) => {
      const planes = isInterleaved ? 1 : channels;
      const rowValues = width * (isInterleaved ? channels : 1);
      const length = count * rowValues;
      const out = allocate(data, planes * length);
      for (let c = 0; c < planes; c++) {
        const place = layout.placeOf(plane, c);
        const from = (place * height + top) * rowValues;
        out.set(data.subarray(from, from + length), c * length);
      }
      return Promise.resolve(layout.nameBand(out, count));
    },
  };
}
