/**
 * Files that are there whole or not at all.
 *
 * @module
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A file that is written bit by bit. */
export interface PartFile {
  append(content: Uint8Array | string): void;
  writeAt(place: number, bytes: Uint8Array): void;
}

/** Write a file that is never in memory as a whole. */
export async function writeParts(
  path: string,
  work: (file: PartFile) => Promise<void>,
): Promise<void> {
  const part = `${path}.part`;
  const file = openSync(part, "w");
  let end = 0;
  const writeAt = (place: number, bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done;
      done += writeSync(file, bytes, done, left, place + done);
    }
  };
  try {
    await work({
      writeAt,
      append(content) {
        const bytes = typeof content === "string"
          ? new TextEncoder().encode(content)
          : content;
        writeAt(end, bytes);
        end += bytes.length;
      },
    });
  } catch (err) {
    closeSync(file);
    rmSync(part, { force: true });
    throw err;
  }
  closeSync(file);
  renameSync(part, path);
}

/** Write a small file. */
export async function writeWhole(
  path: string,
  content: Uint8Array | string,
): Promise<void> {
  // OME-Zarr has folders of its own
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}
