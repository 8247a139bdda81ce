/**
 * PNG files to pixels and back.
 *
 * @module
 */
import { convertIndexedToRgb, decode, type DecodedPng, encode } from "fast-png";
import {
  ArgumentError,
  CorruptImageError,
  UnsupportedFormatError,
} from "../errors.ts";
import { checkLength, isVolume } from "../ndarray.ts";
import { countInflated } from "./inflate.ts";
import { type Budget, createBudget } from "./limits.ts";
import type { DecodedImage, Picture } from "./types.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

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
export function decodePng(
  bytes: Uint8Array,
  budget: Budget = createBudget(),
): DecodedImage {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new UnsupportedFormatError("A file without PNG signature", ["png"]);
  }
  const plain = checkChunks(bytes, budget);
  let png: DecodedPng;
  try {
    png = decode(plain, { checkCrc: true });
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

/** Samples of a pixel by color type: gray, RGB, palette, with alpha. */
const CHANNELS: Readonly<Record<number, number>> = {
  0: 1,
  2: 3,
  3: 1,
  4: 2,
  6: 4,
};
/** First row and column, and steps, of the passes of Adam7 (PNG §8.2). */
const PASSES = [
  [0, 0, 8, 8],
  [0, 4, 8, 8],
  [4, 0, 8, 4],
  [0, 2, 4, 4],
  [2, 0, 4, 2],
  [0, 1, 2, 2],
  [1, 0, 2, 1],
] as const;
/** What pixels depend on; the rest may hold bombs of its own (iCCP, zTXt). */
const NEEDED = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];

/**
 * Check the header against the limits, and the data against the header.
 *
 * @returns  the file, of needed chunks only
 */
function checkChunks(bytes: Uint8Array, budget: Budget): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  const needed: Uint8Array[] = [bytes.subarray(0, 8)];
  let rawBytes = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at === 8 && type !== "IHDR") throw corrupt("it has no header", at);
    if (at + 12 + length > bytes.length) {
      throw corrupt(`its ${type} chunk is cut short`, at);
    }
    if (type === "IHDR") rawBytes = checkHeader(view, at + 8, budget);
    if (type === "IDAT") data.push(bytes.subarray(at + 8, at + 8 + length));
    if (NEEDED.includes(type)) {
      needed.push(bytes.subarray(at, at + 12 + length));
    }
    at += 12 + length;
    if (type === "IEND") break;
  }
  const packed = concat(data);
  const found = countInflated(packed, rawBytes, { format: "png" });
  if (rawBytes === 0 || found < rawBytes) {
    throw corrupt(`it has ${found} of ${rawBytes} bytes of pixels`, 8);
  }
  const total = needed.reduce((sum, part) => sum + part.length, 0);
  return total === bytes.length ? bytes : concat(needed);
}

/** Bytes of the filtered rows that the header promises. */
function checkHeader(view: DataView, at: number, budget: Budget): number {
  if (at + 13 > view.byteLength) throw corrupt("its header is cut short", at);
  const width = view.getUint32(at);
  const height = view.getUint32(at + 4);
  const depth = view.getUint8(at + 8);
  const channels = CHANNELS[view.getUint8(at + 9)];
  const isInterlaced = view.getUint8(at + 12) === 1;
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth)) {
    throw corrupt("its header names no color type and depth of PNG", at);
  }
  // a palette of RGBA is the widest that a sample becomes
  const isPalette = view.getUint8(at + 9) === 3;
  budget.checkSize({
    samples: width * height * (isPalette ? 4 : channels),
    bytesPerSample: depth === 16 ? 2 : 1,
    encodedBytes: view.byteLength,
  });
  const rows = (columns: number, count: number) =>
    columns * count === 0
      ? 0
      : count * (1 + Math.ceil(columns * channels * depth / 8));
  if (!isInterlaced) return rows(width, height);
  return PASSES.reduce((sum, [y, x, dy, dx]) => {
    const columns = Math.max(0, Math.ceil((width - x) / dx));
    return sum + rows(columns, Math.max(0, Math.ceil((height - y) / dy)));
  }, 0);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function corrupt(detail: string, offset: number): CorruptImageError {
  return new CorruptImageError("png", detail, { offset });
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
