/**
 * A file on disk as bytes.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "./byte_source.ts";

/** Small reads are served from a piece of the file of this size. */
const PIECE = 1 << 16;

/** An open file. */
export interface FileSource extends ByteSource {
  close(): void;
}

/**
 * Open a file; nothing is read yet.
 *
 * @throws {Error} of the system
 */
export function openFile(path: string): FileSource {
  const file = openSync(path, "r");
  const { size } = fstatSync(file);
  let piece = { at: 0, bytes: new Uint8Array(0) };
  const load = (from: number, to: number) => {
    const bytes = new Uint8Array(to - from);
    for (let done = 0; done < bytes.length;) {
      const n = readSync(file, bytes, {
        offset: done,
        length: bytes.length - done,
        position: from + done,
      });
      // the file became shorter
      if (n === 0) throw new RangeError(`${path} ends at byte ${from + done}`);
      done += n;
    }
    return bytes;
  };
  return {
    length: size,
    read(from, to) {
      const begin = Math.min(from, size);
      const end = Math.min(to, size);
      if (end - begin > PIECE) return load(begin, end);
      const { at, bytes } = piece;
      if (begin < at || end > at + bytes.length) {
        piece = {
          at: begin,
          bytes: load(begin, Math.min(begin + PIECE, size)),
        };
      }
      return piece.bytes.subarray(begin - piece.at, end - piece.at);
    },
    close: () => closeSync(file),
  };
}
