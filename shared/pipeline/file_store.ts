/**
 * Stores in temporary files: what an image larger than memory is kept in.
 *
 * The files are sparse where the file system can: what is not written takes no
 * room and is read as 0.
 *
 * @module
 */
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StorageError } from "../errors.ts";
import type { StoreMaker } from "./array_store.ts";
import type { Store, Stored } from "../../wasm/mod.ts";

/** Bytes of an element. */
const ELEMENT = 4;

/** A folder of stores. */
export interface StoreFolder extends StoreMaker {
  /** Bytes of all stores, sparse or not. */
  bytes(): number;
  /** Delete all. */
  close(): void;
}

/**
 * Make a folder for stores.
 *
 * @param parent  an existing folder with room for about 32 bytes a pixel
 * @throws {StorageError} where files cannot be made, or the disk is full
 */
export function openStoreFolder(parent: string): StoreFolder {
  const folder = attempt(parent, () => mkdtempSync(join(parent, "bands-")));
  const files: number[] = [];
  let bytes = 0;
  const create = (length: number) => {
    const path = join(folder, String(files.length));
    const file = attempt(path, () => openSync(path, "w+"));
    files.push(file);
    attempt(path, () => ftruncateSync(file, length * ELEMENT));
    bytes += length * ELEMENT;
    return { file, path };
  };
  return {
    createFloats: (length) => fileStore(create(length), Float32Array),
    createLabels: (length) => fileStore(create(length), Uint32Array),
    bytes: () => bytes,
    close() {
      for (const file of files) closeSync(file);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function fileStore<T extends Stored>(
  { file, path }: { readonly file: number; readonly path: string },
  type: { new (buffer: ArrayBuffer): T },
): Store<T> {
  const fill = (at: number, out: Float32Array | Uint32Array) => {
    const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    for (let done = 0; done < bytes.length;) {
      const n = attempt(path, () =>
        readSync(file, bytes, {
          offset: done,
          length: bytes.length - done,
          position: at * ELEMENT + done,
        }));
      if (n === 0) throw new RangeError(`read beyond the end of ${path}`);
      done += n;
    }
  };
  return {
    read(at, length) {
      const out = new type(new ArrayBuffer(length * ELEMENT));
      fill(at, out);
      return out;
    },
    readInto: fill,
    write(at, values) {
      const bytes = new Uint8Array(
        values.buffer,
        values.byteOffset,
        values.byteLength,
      );
      for (let done = 0; done < bytes.length;) {
        done += attempt(path, () =>
          writeSync(
            file,
            bytes,
            done,
            bytes.length - done,
            at * ELEMENT + done,
          ));
      }
    },
  };
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const isFull = cause instanceof Error &&
      /ENOSPC|EDQUOT/.test(cause.message);
    throw new StorageError("keep rows", path, {
      detail: "an image larger than memory needs a folder with room",
      isFull,
      cause,
    });
  }
}
