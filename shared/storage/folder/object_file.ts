/**
 * One object, one file: the content, then 512 bytes that describe it.
 *
 * Both become visible by one rename, so an object is never seen without its
 * description or half written. The description stands last because a stream's
 * digest is known only then, and so that viewers still open the file.
 *
 * @module
 */
import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConflictError, InvalidRequestError } from "../../errors.ts";
import type { Content, ObjectInfo, PutOptions } from "../types.ts";
import { hasCode, makeFolder, syncFolder } from "./folders.ts";

/** Bytes of the description: a media type of 255 characters fits. */
export const TRAILER_BYTES = 512;

/** Bytes that are read at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Content of so many bytes is written at once with its description. */
const SMALL_BYTES = 64 * 1024;

/** Begins every description; its number changes with the layout. */
const MAGIC = "cytoedge object 1 ";

/** How often a folder may vanish, emptied by a delete, while being filled. */
const ATTEMPTS = 20;

/** What a file says of its object. */
export type FileInfo = Omit<ObjectInfo, "key">;

/** Where a file is written first, and how. */
export interface WriteOptions extends PutOptions {
  /** Folder for unfinished files, on the same file system. */
  readonly tmp: string;
  readonly nowMs: number;
  /** What a conflict calls the object. */
  readonly name: string;
  /** Keep no digest: that of joined parts is not part of the contract. */
  readonly isJoined?: boolean;
}

/** Write an object, durably and at once; other writers see all or nothing. */
export async function writeObjectFile(
  path: string,
  content: Content,
  options: WriteOptions,
): Promise<FileInfo> {
  // it may fail before it is waited for
  options.after?.catch(() => {});
  const unfinished = join(options.tmp, randomUUID());
  let isGone = false;
  const file = await open(unfinished, "wx", 0o600);
  try {
    let info: FileInfo;
    try {
      info = await fill(file, content, options);
    } finally {
      await file.close();
    }
    await options.after;
    options.signal?.throwIfAborted();
    await publish(unfinished, path, options);
    // a link leaves the first name
    isGone = !options.writeOnce;
    return info;
  } finally {
    if (!isGone) await rm(unfinished, { force: true });
  }
}

async function fill(
  file: FileHandle,
  content: Content,
  options: WriteOptions,
): Promise<FileInfo> {
  const hash = createHash("sha256");
  let length = 0;
  // a turn of the event loop costs more than to write little twice
  if (content instanceof Uint8Array && content.length <= SMALL_BYTES) {
    options.signal?.throwIfAborted();
    const sha256 = hash.update(content).digest("hex");
    const info = describe(content.length, sha256, options);
    const trailer = encodeTrailer(info);
    const whole = new Uint8Array(content.length + trailer.length);
    whole.set(content);
    whole.set(trailer, content.length);
    await writeAll(file, whole);
    return await settle(file, info, options);
  }
  for await (const chunk of chunksOf(content)) {
    options.signal?.throwIfAborted();
    length += chunk.length;
    // a sender of too much is stopped before the disk is full of it
    if (length > (options.length ?? Infinity)) break;
    // the system writes while the digest goes on
    const written = writeAll(file, chunk);
    hash.update(chunk);
    await written;
  }
  const info = describe(length, hash.digest("hex"), options);
  await writeAll(file, encodeTrailer(info));
  return await settle(file, info, options);
}

/** Bring what was written to the disk. */
async function settle(
  file: FileHandle,
  info: FileInfo,
  options: WriteOptions,
): Promise<FileInfo> {
  // a listing reads the time from here
  await file.utimes(info.modifiedMs / 1000, info.modifiedMs / 1000);
  const synced = file.sync();
  options.onSent?.();
  await synced;
  return info;
}

/** @throws {InvalidRequestError} if the content is not what was announced */
function describe(
  length: number,
  sha256: string,
  options: WriteOptions,
): FileInfo {
  requireAsSaid(length, sha256, options);
  return {
    length,
    mediaType: options.mediaType,
    etag: options.isJoined ? randomUUID() : sha256,
    sha256: options.isJoined ? undefined : sha256,
    modifiedMs: options.nowMs,
  };
}

function requireAsSaid(length: number, sha256: string, said: WriteOptions) {
  if (said.length !== undefined && length !== said.length) {
    const found = length > said.length ? "more" : `${length}`;
    throw new InvalidRequestError([{
      pointer: "/length",
      detail: `${said.length} bytes were announced, ${found} came`,
    }]);
  }
  if (said.sha256 !== undefined && sha256 !== said.sha256) {
    throw new InvalidRequestError([{
      pointer: "/sha256",
      detail: `${said.sha256} was announced, the content has ${sha256}`,
    }]);
  }
}

/** Give a finished file its name, and make the name durable. */
async function publish(from: string, to: string, options: WriteOptions) {
  for (let attempt = 1;; attempt++) {
    try {
      // a link fails where the name is taken, a rename replaces
      await (options.writeOnce ? link(from, to) : rename(from, to));
      break;
    } catch (err) {
      if (hasCode(err, "EEXIST")) {
        throw new ConflictError(options.name, "exists already");
      }
      if (!hasCode(err, "ENOENT") || attempt === ATTEMPTS) throw err;
    }
    // mostly it is there
    await makeFolder(dirname(to));
  }
  await syncFolder(dirname(to));
}

/** Open an object's file and read what it says; undefined if there is none. */
export async function openObjectFile(
  path: string,
): Promise<{ file: FileHandle; info: FileInfo } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (err) {
    if (hasCode(err, "ENOENT", "ENOTDIR")) return undefined;
    throw err;
  }
  try {
    const stat = await file.stat();
    if (stat.isFile()) {
      return { file, info: await readTrailer(file, stat.size) };
    }
    await file.close();
    return undefined;
  } catch (err) {
    await file.close();
    throw err;
  }
}

async function readTrailer(file: FileHandle, size: number): Promise<FileInfo> {
  const length = size - TRAILER_BYTES;
  const bytes = new Uint8Array(TRAILER_BYTES);
  if (length >= 0) await file.read(bytes, 0, TRAILER_BYTES, length);
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith(MAGIC)) throw new Error("this file holds no object");
  const { type, etag, sha256, at } = JSON.parse(text.slice(MAGIC.length));
  return { length, mediaType: type, etag, sha256, modifiedMs: at };
}

function encodeTrailer(info: FileInfo): Uint8Array<ArrayBuffer> {
  const { mediaType, etag, sha256, modifiedMs } = info;
  const said = { type: mediaType, etag, sha256, at: modifiedMs };
  const bytes = new TextEncoder().encode(MAGIC + JSON.stringify(said));
  if (bytes.length > TRAILER_BYTES) {
    throw new InvalidRequestError([{
      pointer: "/mediaType",
      detail: "is too long",
    }]);
  }
  const padded = new Uint8Array(TRAILER_BYTES).fill(0x20);
  padded.set(bytes);
  return padded;
}

/** Bytes `start` to `end` of an open file, which is closed with the stream. */
export function streamFile(
  file: FileHandle,
  start: number,
  end: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = start;
  return new ReadableStream({
    async pull(controller) {
      try {
        const bytes = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
        const { bytesRead } = bytes.length === 0
          ? { bytesRead: 0 }
          : await file.read(bytes, 0, bytes.length, at);
        at += bytesRead;
        if (bytesRead > 0) controller.enqueue(bytes.subarray(0, bytesRead));
        if (at === end) {
          await file.close();
          controller.close();
        } else if (bytesRead === 0) throw new Error("the file ends early");
      } catch (err) {
        await file.close().catch(() => {});
        controller.error(err);
      }
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}

async function* chunksOf(content: Content) {
  // what is in memory already is written at once
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}

// a disk that is full may take some of the bytes without an error
async function writeAll(file: FileHandle, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
  }
}
