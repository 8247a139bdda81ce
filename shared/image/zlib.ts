/**
 * zlib data and CRC-32 by the runtime's own zlib where it has one, several times
 * as fast; by npm and our own code in browsers, whose streams answer later only.
 *
 * @module
 */
import { zlibSync } from "fflate";
import { inflateRuns, type Unpacked } from "./inflate_runs.ts";

/** What is used of `node:zlib`. */
interface Zlib {
  /** Not in older versions. */
  crc32?(bytes: Uint8Array): number;
  deflateSync(
    bytes: Uint8Array,
    options: { readonly level: number },
  ): Uint8Array;
  inflateSync(
    bytes: Uint8Array,
    options: { readonly maxOutputLength: number; readonly chunkSize: number },
  ): Uint8Array;
}

/** Bytes that are unpacked at a time; zlib takes 64 or more. */
const CHUNK = { least: 64, most: 2 ** 20 };

/** `node:zlib`; an import of it would not load in browsers. */
export const platform: Zlib | undefined = (globalThis as {
  process?: { getBuiltinModule?: (name: string) => unknown };
}).process?.getBuiltinModule?.("node:zlib") as Zlib | undefined;

/** How data is packed or unpacked. */
interface ZlibOptions {
  /** The runtime's, or `undefined` for what browsers have. */
  readonly zlib?: Zlib | undefined;
}

/**
 * Pack bytes as zlib data.
 *
 * @param level  0–9
 * @returns      the same bytes for the same input in the same runtime
 *
 * Source: RFC 1950.
 */
export function deflate(
  bytes: Uint8Array,
  level: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9,
  { zlib }: ZlibOptions = { zlib: platform },
): Uint8Array {
  return zlib ? zlib.deflateSync(bytes, { level }) : zlibSync(bytes, { level });
}

/**
 * Inflate zlib data by the runtime's zlib.
 *
 * @returns  what was unpacked; `undefined` where there is none, the data is
 *   broken, or it is more than `maxBytes`
 */
export function inflateWhole(
  packed: Uint8Array,
  maxBytes: number,
  { zlib }: ZlibOptions = { zlib: platform },
): Uint8Array | undefined {
  if (zlib === undefined) return undefined;
  try {
    const { buffer, byteOffset, length } = zlib.inflateSync(packed, {
      maxOutputLength: Math.max(1, maxBytes),
      chunkSize: Math.min(CHUNK.most, Math.max(CHUNK.least, maxBytes)),
    });
    // Node's type of bytes is one of its own
    return new Uint8Array(buffer, byteOffset, length);
  } catch {
    return undefined;
  }
}

/**
 * Inflate zlib data into room for it: what `inflateRuns` gives.
 *
 * @returns  bytes that were unpacked; −1 where the data is broken or more than
 *   the room holds; a wrong checksum alone does not matter
 */
export function inflateInto(
  packed: Uint8Array,
  room: Unpacked,
  { zlib }: ZlibOptions = { zlib: platform },
): number {
  if (zlib === undefined) return inflateRuns(packed, room);
  const { bytes } = room;
  const unpacked = inflateWhole(packed, bytes.length, { zlib });
  // our own reader takes data whose checksum is wrong, and refuses the rest
  if (unpacked === undefined) return inflateRuns(packed, room);
  if (unpacked.length > bytes.length) return -1;
  bytes.set(unpacked);
  return unpacked.length;
}
