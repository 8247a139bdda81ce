/**
 * Multipart uploads of a local folder: one folder an upload, one file a part.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NotFoundError } from "../../errors.ts";
import { requireComplete } from "../parts.ts";
import type {
  CompleteOptions,
  MultipartUpload,
  UploadedPart,
} from "../types.ts";
import { hasCode, makeFolder, syncFolder } from "./folders.ts";
import {
  type FileInfo,
  openObjectFile,
  streamFile,
  writeObjectFile,
  type WriteOptions,
} from "./object_file.ts";

/** What is written down when an upload begins. */
interface Started {
  readonly key: string;
  readonly mediaType: string;
  readonly startedMs: number;
}

const ID = /^[0-9a-f-]{36}$/;
const STARTED = "upload.json";

/** Begin an upload. */
export async function startUpload(
  folder: string,
  started: Started,
): Promise<MultipartUpload> {
  const uploadId = randomUUID();
  const home = join(folder, uploadId);
  await makeFolder(home);
  const unfinished = join(home, "upload.tmp");
  await writeFile(unfinished, JSON.stringify(started), { flush: true });
  await rename(unfinished, join(home, STARTED));
  await syncFolder(home);
  return { key: started.key, uploadId };
}

/** What was said when an upload began. */
export async function readUpload(
  folder: string,
  { key, uploadId }: MultipartUpload,
): Promise<Started> {
  const started = ID.test(uploadId)
    ? await readStarted(folder, uploadId)
    : undefined;
  if (started?.key !== key) throw new NotFoundError("upload", uploadId);
  return started;
}

/** Store a part; one of the same number is replaced. */
export async function writePart(
  folder: string,
  upload: MultipartUpload,
  { partNumber, content, options }: {
    partNumber: number;
    content: ReadableStream<Uint8Array<ArrayBuffer>>;
    options: Omit<WriteOptions, "mediaType" | "name">;
  },
): Promise<FileInfo> {
  const { mediaType } = await readUpload(folder, upload);
  return await writeObjectFile(
    join(folder, upload.uploadId, `${partNumber}`),
    content,
    { ...options, mediaType, name: `part ${partNumber}` },
  );
}

/** The parts that are there, in order. */
export async function partsOf(
  folder: string,
  upload: MultipartUpload,
): Promise<UploadedPart[]> {
  await readUpload(folder, upload);
  const home = join(folder, upload.uploadId);
  const parts: UploadedPart[] = [];
  for (const name of await namesIn(home, upload)) {
    if (!/^\d+$/.test(name)) continue;
    const opened = await openObjectFile(join(home, name));
    await opened?.file.close();
    if (opened?.info.sha256 === undefined) continue;
    const { length, sha256 } = opened.info;
    parts.push({ partNumber: Number(name), length, sha256 });
  }
  return parts.sort((a, b) => a.partNumber - b.partNumber);
}

/** Names of parts and more; the upload may end meanwhile. */
async function namesIn(
  home: string,
  { uploadId }: MultipartUpload,
): Promise<string[]> {
  try {
    return await readdir(home);
  } catch (err) {
    if (hasCode(err, "ENOENT")) throw new NotFoundError("upload", uploadId);
    throw err;
  }
}

/** Join the parts of an upload into a file, and forget them. */
export async function joinParts(
  folder: string,
  upload: MultipartUpload,
  { path, ...options }:
    & CompleteOptions
    & { path: string; tmp: string; nowMs: number },
): Promise<FileInfo> {
  const { mediaType } = await readUpload(folder, upload);
  const parts = await partsOf(folder, upload);
  requireComplete(parts, options.length);
  const home = join(folder, upload.uploadId);
  const paths = parts.map(({ partNumber }) => join(home, `${partNumber}`));
  const info = await writeObjectFile(path, streamFiles(paths), {
    ...options,
    mediaType,
    name: `object ${upload.key}`,
    isJoined: true,
  });
  await dropUpload(folder, upload);
  return info;
}

/** Forget an upload. */
export async function dropUpload(
  folder: string,
  upload: MultipartUpload,
): Promise<void> {
  if (!ID.test(upload.uploadId)) return;
  const home = join(folder, upload.uploadId);
  // first what makes it an upload: a part that arrives meanwhile finds none
  await rm(join(home, STARTED), { force: true });
  await rm(home, { force: true, recursive: true });
}

/** Uploads that have begun and not ended. */
export async function openUploads(
  folder: string,
  prefix: string,
): Promise<(MultipartUpload & { startedMs: number })[]> {
  const uploads = [];
  for (const uploadId of await readdir(folder)) {
    const started = await readStarted(folder, uploadId);
    if (!started?.key.startsWith(prefix)) continue;
    const { key, startedMs } = started;
    uploads.push({ key, uploadId, startedMs });
  }
  return uploads.sort((a, b) => a.startedMs - b.startedMs);
}

async function readStarted(
  folder: string,
  uploadId: string,
): Promise<Started | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, uploadId, STARTED), "utf8"));
  } catch (err) {
    if (hasCode(err, "ENOENT", "ENOTDIR")) return undefined;
    throw err;
  }
}

function streamFiles(paths: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(async function* () {
    for (const path of paths) {
      const opened = await openObjectFile(path);
      if (opened === undefined) throw new Error(`${path} is gone`);
      yield* streamFile(opened.file, 0, opened.info.length);
    }
  }());
}
