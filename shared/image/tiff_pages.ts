/**
 * The chain of pages of a TIFF file, checked before anything else is read: a
 * chain that leads back into itself would keep a reader busy for ever.
 *
 * @module
 */
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";

/**
 * Walk the page directories of a TIFF or BigTIFF file.
 *
 * @param bytes  the whole file
 * @returns      the number of pages, ≥ 1
 * @throws {UnsupportedFormatError} if it is not TIFF
 * @throws {CorruptImageError} if a directory lies outside the file, or the
 *   chain has a cycle or no page
 *
 * Source: TIFF 6.0 §2; the BigTIFF file format proposal.
 */
export function walkPages(bytes: Uint8Array): number {
  const order = String.fromCharCode(bytes[0], bytes[1]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = order === "II";
  const version = (isLittle || order === "MM") && bytes.length >= 4
    ? view.getUint16(2, isLittle)
    : 0;
  if (version !== 42 && version !== 43) {
    throw new UnsupportedFormatError("A file without TIFF header", ["tiff"]);
  }

  const isBig = version === 43;
  const [countBytes, entryBytes, offsetBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  const readOffset = (at: number) => {
    if (at + offsetBytes > bytes.length) throw outside(at);
    return isBig
      ? Number(view.getBigUint64(at, isLittle))
      : view.getUint32(at, isLittle);
  };

  const seen = new Set<number>();
  let at = readOffset(isBig ? 8 : 4);
  while (at !== 0) {
    if (seen.has(at)) {
      throw new CorruptImageError("tiff", "the chain of pages has a cycle", {
        offset: at,
      });
    }
    seen.add(at);
    if (at + countBytes > bytes.length) throw outside(at);
    const entries = isBig ? readOffset(at) : view.getUint16(at, isLittle);
    at = readOffset(at + countBytes + entries * entryBytes);
  }
  if (seen.size === 0) throw new CorruptImageError("tiff", "it has no page");
  return seen.size;
}

function outside(offset: number): CorruptImageError {
  return new CorruptImageError("tiff", "a page lies outside the file", {
    offset,
  });
}
