/**
 * What packed data says it unpacks to, before it is unpacked.
 *
 * @module
 */

/**
 * Bytes that packed data claims to unpack to; 0 if it does not tell.
 *
 * Source: c-blosc README_CHUNK_FORMAT; numcodecs' LZ4 (a 32-bit length);
 *   RFC 8878 §3.1.1.1 (Frame_Content_Size).
 */
export function readClaim(
  name: "blosc" | "lz4" | "zstd",
  bytes: Uint8Array,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 16) return bytes.length < 4 ? NaN : 0;
  if (name === "blosc") return view.getUint32(4, true);
  if (name === "lz4") return view.getUint32(0, true);
  const descriptor = bytes[4];
  const isSingle = (descriptor & 32) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  switch (descriptor >> 6) {
    case 0:
      return isSingle ? bytes[at] : 0;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
