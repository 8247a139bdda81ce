/**
 * WebP files to pixels, by libwebp compiled to WebAssembly.
 *
 * @module
 */
import decode, { init } from "@jsquash/webp/decode";
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import { type Budget, createBudget } from "./limits.ts";
import { dropAlpha } from "./rgba.ts";
import type { DecodedImage } from "./types.ts";

/**
 * Decode a WebP file, lossy or lossless.
 *
 * @param bytes   the whole file
 * @param budget  limits, checked from the header
 * @returns       H×W×C u8; C = 3, or 4 with alpha
 * @throws {UnsupportedFormatError} for animations
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 */
export async function decodeWebp(
  bytes: Uint8Array,
  budget: Budget = createBudget(),
): Promise<DecodedImage> {
  const { height, width, channels } = readHeader(bytes);
  budget.checkSize({
    samples: height * width * channels,
    bytesPerSample: 1,
    encodedBytes: bytes.length,
  });
  try {
    const { data } = await decode(new Uint8Array(bytes).buffer);
    return {
      data: dropAlpha(data, channels, height * width),
      size: { height, width },
      channels,
    };
  } catch (err) {
    // an aborted module is not to be called again
    await init({ printErr: () => {} });
    throw corrupt("its data cannot be decoded", err);
  }
}

/** Source: RFC 9649 §2 (VP8X), §3.4 (VP8L); RFC 6386 §9.1 (VP8). */
function readHeader(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30) throw corrupt("its header is cut short");
  if (view.getUint32(4, true) + 8 > bytes.length) {
    throw corrupt("it is cut short");
  }
  const kind = String.fromCharCode(...bytes.subarray(12, 16));
  if (kind === "VP8X") {
    const flags = bytes[20];
    if ((flags & 2) !== 0) {
      throw new UnsupportedFormatError("An animated WebP", ["one image"]);
    }
    return {
      width: (view.getUint32(24, true) & 0xffffff) + 1,
      height: (view.getUint32(26, true) >>> 8) + 1,
      channels: (flags & 16) === 0 ? 3 : 4,
    };
  }
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return {
      width: (bits & 0x3fff) + 1,
      height: (bits >>> 14 & 0x3fff) + 1,
      channels: (bits >>> 28 & 1) === 0 ? 3 : 4,
    };
  }
  if (kind === "VP8 ") {
    return {
      width: view.getUint16(26, true) & 0x3fff,
      height: view.getUint16(28, true) & 0x3fff,
      channels: 3,
    };
  }
  throw corrupt(`its first chunk is ${JSON.stringify(kind)}`);
}

function corrupt(detail: string, cause?: unknown): CorruptImageError {
  return new CorruptImageError("webp", detail, { cause });
}
