/**
 * JPEG files to pixels, by libjpeg (MozJPEG) compiled to WebAssembly.
 *
 * @module
 */
import decode, { init } from "@jsquash/jpeg/decode";
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import { type Budget, createBudget } from "./limits.ts";
import { dropAlpha } from "./rgba.ts";
import type { DecodedImage } from "./types.ts";

/** A frame of a JPEG file, as its header tells it. */
export interface JpegFrame {
  readonly height: number;
  readonly width: number;
  /** 1 gray, 3 color, 4 CMYK. */
  readonly components: number;
  /** Bits of a sample. */
  readonly precision: number;
}

/** A decoded file, and what the library complained of. */
export interface DecodedJpeg extends DecodedImage {
  readonly warnings: readonly string[];
}

/** Lines of the library since the last file; it prints them otherwise. */
const complaints: string[] = [];
let isStarted = false;

/**
 * Decode a JPEG file; a rotation asked for in EXIF is not applied.
 *
 * @param bytes   the whole file
 * @param budget  limits, checked from the header
 * @returns       H×W×C u8; C = 1 for gray, else 3
 * @throws {UnsupportedFormatError} for CMYK, lossless or 12-bit files
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 */
export async function decodeJpeg(
  bytes: Uint8Array,
  budget: Budget = createBudget(),
): Promise<DecodedJpeg> {
  const frame = readFrame(bytes);
  if (frame === undefined) throw corrupt("it has no frame");
  const { height, width, components, precision } = frame;
  if (precision !== 8 || (components !== 1 && components !== 3)) {
    throw new UnsupportedFormatError(
      `A JPEG of ${components} components of ${precision} bits`,
      ["gray or color of 8 bits"],
    );
  }
  budget.checkSize({
    samples: height * width * components,
    bytesPerSample: 1,
    encodedBytes: bytes.length,
  });
  // the library fills what is missing with gray, and does not tell
  if (!hasEnd(bytes)) throw corrupt("it ends before its end marker");
  if (!isStarted) await start();
  try {
    complaints.length = 0;
    const { data } = await decode(new Uint8Array(bytes).buffer, {
      preserveOrientation: false,
    });
    return {
      data: dropAlpha(data, components, height * width),
      size: { height, width },
      channels: components,
      warnings: complaints.map((line) => `JPEG: ${line.trim()}`),
    };
  } catch (err) {
    // an aborted module is not to be called again
    await start();
    throw corrupt("its data cannot be decoded", err);
  }
}

async function start(): Promise<void> {
  isStarted = true;
  await init({ printErr: (line: string) => complaints.push(line) });
}

/**
 * Read the header of the first frame, if there is one.
 *
 * @param bytes  a JPEG stream
 * @throws {CorruptImageError}
 *
 * Source: ITU T.81, annex B.
 */
export function readFrame(bytes: Uint8Array): JpegFrame | undefined {
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) throw corrupt(`no marker at byte ${at}`);
    const marker = bytes[at + 1];
    // fill bytes, and markers without a segment
    if (marker === 0xff || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) return undefined;
    const length = bytes[at + 2] * 256 + bytes[at + 3];
    const isFrame = marker >= 0xc0 && marker <= 0xcf &&
      ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      if (length < 8 || at + 2 + length > bytes.length) break;
      // baseline, extended and progressive Huffman; arithmetic too
      const isRead = [0xc0, 0xc1, 0xc2, 0xc9, 0xca].includes(marker);
      const height = bytes[at + 5] * 256 + bytes[at + 6];
      const width = bytes[at + 7] * 256 + bytes[at + 8];
      return {
        height,
        width,
        components: bytes[at + 9],
        precision: isRead ? bytes[at + 4] : 0,
      };
    }
    at += 2 + Math.max(2, length);
  }
  throw corrupt("its header is cut short");
}

function hasEnd(bytes: Uint8Array): boolean {
  // some cameras append data of their own; an end inside a thumbnail is early
  for (let at = bytes.length - 2; at > bytes.length / 2; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
  }
  return false;
}

function corrupt(detail: string, cause?: unknown): CorruptImageError {
  return new CorruptImageError("jpeg", detail, { cause });
}
