/**
 * Bytes of a file that are read where they are needed.
 *
 * @module
 */

/** A file's bytes: an array in memory, or a file. */
export interface ByteSource {
  readonly length: number;
  /** Bytes from … to; not to be changed. */
  read(from: number, to: number): Uint8Array;
}

/** Bytes in memory, or a source as it is. */
export function toByteSource(bytes: Uint8Array | ByteSource): ByteSource {
  return bytes instanceof Uint8Array
    ? {
      length: bytes.length,
      read: (from, to) => bytes.subarray(from, to),
    }
    : bytes;
}
