/**
 * The checksum of PNG's chunks.
 *
 * Own code where the runtime has none: fflate and fast-png keep theirs to
 * themselves.
 *
 * @module
 */
import { platform } from "./zlib.ts";

/** Polynomial of ISO 3309, bits reversed. */
const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) {
    sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
  }
  return sum;
});

/**
 * CRC-32 of bytes, unsigned.
 *
 * Source: PNG §5.5, annex D.
 */
export function crc32(bytes: Uint8Array): number {
  return platform?.crc32?.(bytes) ?? sumByTable(bytes);
}

/** The same without the runtime's help. */
export function sumByTable(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    sum = TABLE[(sum ^ bytes[i]) & 0xff] ^ (sum >>> 8);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
