/**
 * PNG files to pixels and back.
 *
 * @module
 */
import { convertIndexedToRgb, decode, type DecodedPng, encode } from "fast-png";
import { ArgumentError, CorruptImageError } from "../errors.ts";
import { checkLength, isVolume } from "../ndarray.ts";
import { type Budget, createBudget } from "./limits.ts";
import { unpackChunks } from "./png_chunks.ts";
import type { DecodedImage, Picture } from "./types.ts";

/**
 * Decode a PNG file.
 *
 * Palettes become RGB(A); gray of 1, 2 or 4 bits is scaled to 0–255 (PNG
 * §13.12); 16-bit samples stay 16-bit, so label images keep their numbers.
 *
 * @param bytes   the whole file
 * @param budget  limits, checked before anything is unpacked
 * @returns       H×W×C, u8 or u16; C = 1, 2 (gray, alpha), 3 or 4
 * @throws {UnsupportedFormatError} if it is not a PNG file
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 */
export async function decodePng(
  bytes: Uint8Array,
  budget: Budget = createBudget(),
): Promise<DecodedImage> {
  const plain = await unpackChunks(bytes, budget);
  let png: DecodedPng;
  try {
    png = decode(plain);
    if (png.width < 1 || png.height < 1) throw new Error("The size is 0");
    const { data, channels } = unpack(png);
    const size = { height: png.height, width: png.width };
    checkLength("data", data, size.height * size.width * channels);
    return { data, size, channels };
  } catch (err) {
    const detail = err instanceof Error ? err.message : String(err);
    throw new CorruptImageError("png", detail, { cause: err });
  }
}

/**
 * Encode an image as PNG.
 *
 * @param image  H×W×C, u8 or u16, C = 1–4
 * @returns      the file; the same bytes for the same image
 * @throws {ArgumentError} for volumes, other dtypes or channel counts
 */
export function encodePng(image: DecodedImage): Uint8Array {
  const { data, size, channels } = image;
  if (isVolume(size)) {
    throw new ArgumentError("image", "PNG holds no volumes; write slices");
  }
  if (!(data instanceof Uint8Array || data instanceof Uint16Array)) {
    throw new ArgumentError(
      "image",
      `PNG holds u8 or u16, not ${data.constructor.name}; convert it first`,
    );
  }
  if (![1, 2, 3, 4].includes(channels)) {
    throw new ArgumentError("image", `PNG holds 1–4 channels, not ${channels}`);
  }
  const { height, width } = size;
  checkLength("image", data, height * width * channels);
  const depth = data instanceof Uint16Array ? 16 : 8;
  return encode({ width, height, data, depth, channels });
}

/** Encode a picture as PNG. */
export function encodePicture(picture: Picture): Uint8Array {
  const { data, height, width } = picture;
  return encodePng({ data, size: { height, width }, channels: 3 });
}

function unpack(png: DecodedPng) {
  if (png.palette) {
    const channels = png.palette[0].length;
    return { data: convertIndexedToRgb(png), channels };
  }
  const { channels } = png;
  if (png.depth < 8) return { data: unpackBits(png), channels };
  const data = png.data instanceof Uint8ClampedArray
    ? new Uint8Array(png.data)
    : png.data;
  return { data, channels };
}

/** Gray of 1, 2 or 4 bits, rows padded to whole bytes, to 0–255. */
function unpackBits({ data, depth, height, width }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil(width * depth / 8);
  const perByte = 8 / depth;
  const top = 2 ** depth - 1;
  const out = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = data[y * rowBytes + Math.floor(x / perByte)];
      const shift = 8 - depth * (x % perByte + 1);
      out[y * width + x] = (byte >> shift & top) * (255 / top);
    }
  }
  return out;
}
