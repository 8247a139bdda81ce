/**
 * A file read in parts: checkpoints are larger than what is needed at a time.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CorruptImageError } from "../../shared/errors.ts";

/** Bytes that can be read anywhere. */
export interface ByteSource {
  readonly size: number;
  /**
   * A copy of `length` bytes from `offset`.
   *
   * @throws {CorruptImageError} if they reach past the end
   */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
}

/** A file that must be closed. */
export interface OpenFile extends ByteSource {
  close(): void;
}

/** One system call reads less than 2 GiB. */
const MAX_READ_BYTES = 2 ** 30;

/**
 * Open a file.
 *
 * @throws {Error} if it cannot be opened
 */
export function openFile(path: string): OpenFile {
  const file = openSync(path, "r");
  const { size } = fstatSync(file);
  return {
    size,
    read(offset, length) {
      checkRange({ offset, length, size });
      const out = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const wanted = Math.min(length - done, MAX_READ_BYTES);
        const got = readSync(file, out, done, wanted, offset + done);
        if (got === 0) checkRange({ offset, length, size: offset + done });
        done += got;
      }
      return out;
    },
    close: () => closeSync(file),
  };
}

/** Bytes in memory. */
export function fromBytes(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(offset, length) {
      checkRange({ offset, length, size: bytes.length });
      return Uint8Array.from(bytes.subarray(offset, offset + length));
    },
  };
}

function checkRange(
  { offset, length, size }: { offset: number; length: number; size: number },
): void {
  const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) &&
    offset >= 0 && length >= 0 && offset + length <= size;
  if (fits) return;
  throw new CorruptImageError(
    "checkpoint",
    `${length} bytes are needed from ${offset}, the file has ${size}`,
    { offset },
  );
}
