/**
 * The files beside an image's own, for images in several files.
 *
 * @module
 */
import { closeSync, lstatSync, openSync, readSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ByteSource } from "../shared/image/byte_source.ts";
import type { Siblings } from "../shared/image/decoded.ts";

/**
 * Open files of an image's folder by name; no links, which may lead elsewhere.
 *
 * A file is open only while it is read: an image may have thousands.
 */
export function siblingsOf(path: string): Siblings {
  const folder = dirname(path);
  return {
    name: basename(path),
    open(name) {
      const other = join(folder, name);
      if (dirname(other) !== folder || basename(other) !== name) {
        return undefined;
      }
      const stat = lstatSync(other, { throwIfNoEntry: false });
      return stat?.isFile() ? readClosed(other, stat.size) : undefined;
    },
  };
}

/** Bytes that are read ahead. */
const PIECE = 1 << 14;

function readClosed(path: string, length: number): ByteSource {
  let piece = { at: 0, bytes: new Uint8Array(0) };
  const load = (from: number, to: number) => {
    const bytes = new Uint8Array(to - from);
    const file = openSync(path, "r");
    try {
      for (let done = 0; done < bytes.length;) {
        const left = bytes.length - done;
        const n = readSync(file, bytes, done, left, from + done);
        // the file became shorter
        if (n === 0) throw new RangeError(`${path} ends at ${from + done}`);
        done += n;
      }
    } finally {
      closeSync(file);
    }
    return bytes;
  };
  return {
    length,
    read(from, to) {
      const [begin, end] = [Math.min(from, length), Math.min(to, length)];
      if (end - begin > PIECE) return load(begin, end);
      if (begin < piece.at || end > piece.at + piece.bytes.length) {
        const bytes = load(begin, Math.min(begin + PIECE, length));
        piece = { at: begin, bytes };
      }
      return piece.bytes.subarray(begin - piece.at, end - piece.at);
    },
  };
}
