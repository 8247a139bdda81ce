/**
 * The file or folder of an image: its digest, its header, its pixels.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import FileSystemStore from "@zarrita/storage/fs";
import { ArgumentError, isSegError } from "../../shared/errors.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import type { ByteSource } from "../../shared/image/byte_source.ts";
import type { DecodedArray, Siblings } from "../../shared/image/decoded.ts";
import { openFile } from "../../shared/image/file_source.ts";
import {
  openDecoded,
  type OpenedImage,
  openImage,
  openZarrImage,
} from "../../shared/image/open.ts";
import { createBudget } from "../../shared/image/limits.ts";
import { type ImageFormat, sniffImage } from "../../shared/image/sniff.ts";
import { listTiffFiles } from "../../shared/image/tiff_files.ts";
import { decodeZarr } from "../../shared/image/zarr.ts";
import { siblingsOf } from "../siblings.ts";

/** Bytes that are digested at a time. */
const CHUNK = 1 << 22;

/** Axes of the caller; the file's where left out. */
interface ReadOptions {
  readonly axes?: string;
}

/** An image on disk. */
export interface ImageFile {
  readonly bytes: number;
  /** SHA-256, lower-case hex; of a folder, of its files and their names. */
  readonly digest: string;
  /**
   * Read the header, and whatever cannot be read in bands.
   *
   * @returns  none where the axes allow no bands
   */
  open(options: ReadOptions): Promise<OpenedImage | undefined>;
  /** Read all pixels. */
  decode(options: ReadOptions): Promise<DecodedArray>;
  close(): void;
}

/** Names of other files that are read with an OME-TIFF. */
export function listParts(path: string): string[] {
  const file = openFile(path);
  try {
    return sniffsAs("tiff", file) ? listFiles(file, siblingsOf(path)) : [];
  } finally {
    file.close();
  }
}

/** Open a file, or a folder of OME-Zarr. */
export function openImageFile(path: string): ImageFile {
  return statSync(path).isDirectory() ? openFolder(path) : openOne(path);
}

function openOne(path: string): ImageFile {
  const file = openFile(path);
  const digest = createHash("sha256");
  for (let at = 0; at < file.length; at += CHUNK) {
    digest.update(file.read(at, at + CHUNK));
  }
  const isTiff = sniffsAs("tiff", file);
  const siblings = siblingsOf(path);
  let bytes = file.length;
  for (const name of isTiff ? listFiles(file, siblings) : []) {
    const other = siblings.open(name);
    if (other === undefined) continue;
    bytes += other.length;
    digest.update(`\0${name}\0${other.length}\0`);
    for (let at = 0; at < other.length; at += CHUNK) {
      digest.update(other.read(at, at + CHUNK));
    }
  }
  let decoded: DecodedArray | undefined;
  const decode = async (options: ReadOptions) =>
    decoded ??= await decodeImage(file.read(0, file.length), {
      ...options,
      siblings,
    });
  return {
    bytes,
    digest: digest.digest("hex"),
    open: (options) =>
      unlessWhole(async () => {
        if (!isTiff && !sniffsAs("npy", file)) {
          return openDecoded(await decode(options));
        }
        return await openImage(file, { ...options, siblings });
      }),
    decode,
    close: file.close,
  };
}

function sniffsAs(format: ImageFormat, file: ByteSource): boolean {
  try {
    return sniffImage(file.read(0, 132)) === format;
  } catch (err) {
    // reading tells what is wrong
    if (isSegError(err)) return false;
    throw err;
  }
}

/** Names of the other files of an OME-TIFF. */
function listFiles(file: ByteSource, siblings: Siblings): string[] {
  const budget = createBudget({ maxRatio: Infinity });
  try {
    return listTiffFiles(file, budget, siblings);
  } catch (err) {
    if (isSegError(err)) return [];
    throw err;
  }
}

function openFolder(path: string): ImageFile {
  const store = new FileSystemStore(path);
  const names = readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(path, name)).isFile()).sort();
  const digest = createHash("sha256");
  let bytes = 0;
  for (const name of names) {
    const content = readFileSync(join(path, name));
    bytes += content.length;
    digest.update(`${name}\0${content.length}\0`).update(content);
  }
  return {
    bytes,
    digest: digest.digest("hex"),
    open: (options) => unlessWhole(() => openZarrImage(store, options)),
    decode: (options) => decodeZarr(store, options),
    close: () => {},
  };
}

/** What is wrong with a file, reading all of it tells best. */
async function unlessWhole(
  open: () => Promise<OpenedImage>,
): Promise<OpenedImage | undefined> {
  try {
    return await open();
  } catch (err) {
    if (isSegError(err) || err instanceof ArgumentError) return undefined;
    throw err;
  }
}
