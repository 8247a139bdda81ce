/**
 * The object store in a local folder: the embedded default.
 *
 *   objects/KEY       one file an object (folder/object_file.ts)
 *   parts/UPLOAD/N    multipart uploads that have not ended
 *   tmp/              what is being written
 *
 * Any number of processes may share the folder. Signed URLs lead to the edge,
 * which passes their requests to `serve`.
 *
 * @module
 */
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  ArgumentError,
  InvalidRequestError,
  isSegError,
  NotFoundError,
  StorageError,
} from "../errors.ts";
import {
  hasCode,
  makeFolder,
  pruneFolders,
  walkFiles,
} from "./folder/folders.ts";
import {
  dropUpload,
  joinParts,
  openUploads,
  partsOf,
  readUpload,
  startUpload,
  writePart,
} from "./folder/multipart.ts";
import {
  openObjectFile,
  streamFile,
  TRAILER_BYTES,
  writeObjectFile,
} from "./folder/object_file.ts";
import { answerSigned } from "./folder/serve.ts";
import { expiryOf } from "./expiry.ts";
import { type Grant, signGrant } from "./folder/sign.ts";
import { requireKey, requirePrefix } from "./keys.ts";
import { requireContent, requirePartNumber } from "./parts.ts";
import {
  type Clock,
  type ListedObject,
  MAX_LISTED,
  type ObjectStore,
} from "./types.ts";

/** Unfinished files so old were left by a process that died. */
const STALE_MS = 24 * 60 * 60 * 1000;

/** A folder, and who may use its URLs. */
export interface FolderOptions {
  /** The folder; made if it is not there. */
  readonly root: string;
  /**
   * What signed URLs begin with, as `https://host/v1/storage`, or a path only:
   * then the edge puts its own origin before them.
   */
  readonly baseUrl: string;
  /** Signs the URLs; at least 32 random bytes, the same in every process. */
  readonly secret: Uint8Array;
  readonly now?: Clock;
}

/** An object store whose signed URLs somebody has to serve. */
export interface FolderStore extends ObjectStore {
  /**
   * Answer a GET, HEAD or PUT of a signed URL, with ranges.
   *
   * @throws {ForbiddenError} if it is not signed so, or has expired
   * @throws {InvalidRequestError} if the content is not what was signed
   * @throws {ConflictError} if the key must be free and is not
   */
  serve(request: Request): Promise<Response>;
}

/** Open a folder as an object store. */
export async function openFolder(
  { root, baseUrl, secret, now = Date.now }: FolderOptions,
): Promise<FolderStore> {
  if (secret.length < 32) throw new ArgumentError("secret", "is too short");
  const [objects, parts, tmp] = ["objects", "parts", "tmp"]
    .map((name) => join(resolve(root), name));
  const place = (key: string) => join(objects, requireKey(key));
  await surface("open", root, async () => {
    for (const folder of [objects, parts, tmp]) await makeFolder(folder);
    await removeStale(tmp, now());
  });

  const sign = (method: "GET" | "PUT", grant: Grant, type?: string) =>
    Promise.resolve({
      method,
      url: baseUrl.replace(/\/$/, "") + signGrant(grant, secret),
      headers: type === undefined ? {} : { "content-type": type },
      expiresMs: grant.expiresMs,
    });

  const store: FolderStore = {
    put: (key, content, options) =>
      surface("put", key, async () => {
        requireLength(content, options.length);
        const written = await writeObjectFile(place(key), content, {
          ...options,
          tmp,
          nowMs: now(),
          name: `object ${key}`,
        });
        return { key, ...written };
      }),

    get: (key, range = { start: 0 }) =>
      surface("get", key, async () => {
        const opened = await openObjectFile(place(key));
        if (opened === undefined) throw new NotFoundError("object", key);
        const { file, info } = opened;
        const { start } = range;
        const end = Math.min(range.end ?? info.length, info.length);
        if (start < 0 || start > end || (start > 0 && start === info.length)) {
          await file.close();
          throw outOfRange(start, info.length);
        }
        const body = streamFile(file, start, end);
        return { info: { key, ...info }, start, length: end - start, body };
      }),

    head: (key) =>
      surface("head", key, async () => {
        const opened = await openObjectFile(place(key));
        await opened?.file.close();
        return opened && { key, ...opened.info };
      }),

    list: (prefix, { after = "", limit = MAX_LISTED } = {}) =>
      surface("list", prefix, async () => {
        requirePrefix(prefix);
        const listed: ListedObject[] = [];
        for await (const key of walkFiles(objects, prefix, after)) {
          if (listed.length === Math.min(limit, MAX_LISTED)) {
            return { objects: listed, next: listed.at(-1)?.key };
          }
          const found = await statOf(join(objects, key));
          if (found) listed.push({ key, ...found });
        }
        return { objects: listed, next: undefined };
      }),

    delete: (key) =>
      surface("delete", key, async () => {
        await rm(place(key), { force: true });
        await pruneFolders(dirname(place(key)), objects);
      }),

    presignGet: (key, { ttlSeconds, fileName = "" }) =>
      sign("GET", {
        operation: "get",
        key: requireKey(key),
        expiresMs: expiryOf(ttlSeconds, now()),
        fileName,
      }),

    presignPut(key, { ttlSeconds, writeOnce = true, ...content }) {
      requireContent(content);
      const { length, mediaType, sha256 } = content;
      return sign("PUT", {
        operation: "put",
        key: requireKey(key),
        expiresMs: expiryOf(ttlSeconds, now()),
        ...{ length, mediaType, sha256, writeOnce },
      }, mediaType);
    },

    startMultipart: (key, { mediaType }) =>
      surface(
        "startMultipart",
        key,
        () =>
          startUpload(parts, {
            key: requireKey(key),
            mediaType,
            startedMs: now(),
          }),
      ),

    presignPart: (upload, { ttlSeconds, partNumber, length, sha256 }) =>
      surface("presignPart", upload.key, async () => {
        requirePartNumber(partNumber);
        requireContent({ length, sha256 });
        await readUpload(parts, upload);
        return await sign("PUT", {
          operation: "part",
          key: upload.key,
          expiresMs: expiryOf(ttlSeconds, now()),
          uploadId: upload.uploadId,
          ...{ partNumber, length, sha256 },
        });
      }),

    listParts: (upload) =>
      surface("listParts", upload.key, () => partsOf(parts, upload)),

    completeMultipart: (upload, { length, writeOnce = true }) =>
      surface("completeMultipart", upload.key, async () => {
        const path = place(upload.key);
        const said = { path, tmp, length, writeOnce, nowMs: now() };
        return {
          key: upload.key,
          ...await joinParts(parts, upload, said),
        };
      }),

    abortMultipart: (upload) =>
      surface("abortMultipart", upload.key, () => dropUpload(parts, upload)),

    listMultiparts: (prefix) =>
      surface("listMultiparts", prefix, () => openUploads(parts, prefix)),

    serve: (request) =>
      answerSigned(request, {
        ...{ store, secret, nowMs: now() },
        basePath: new URL(baseUrl, request.url).pathname.replace(/\/$/, ""),
        putPart: (upload, part) =>
          surface(
            "put part",
            upload.key,
            () =>
              writePart(parts, upload, {
                ...part,
                options: { ...part.options, tmp, nowMs: now() },
              }),
          ),
      }),

    close: () => Promise.resolve(),
  };
  return store;
}

/** Run an operation; what the file system refuses becomes a StorageError. */
async function surface<T>(
  operation: string,
  key: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (isSegError(cause) || cause instanceof ArgumentError) throw cause;
    if (cause instanceof Error && cause.name === "AbortError") throw cause;
    if (hasCode(cause, "ENOTDIR", "EISDIR", "EEXIST")) {
      const detail = "one of its prefixes is an object, or it is a prefix";
      throw new StorageError(operation, key, { cause, detail });
    }
    const isFull = hasCode(cause, "ENOSPC", "EDQUOT");
    throw new StorageError(operation, key, { cause, isFull });
  }
}

function requireLength(content: unknown, length: number | undefined): void {
  if (content instanceof Uint8Array || length !== undefined) return;
  throw new ArgumentError("length", "of a stream has to be given");
}

function outOfRange(start: number, length: number): InvalidRequestError {
  const detail = `byte ${start} is not among ${length}`;
  return new InvalidRequestError([{ pointer: "range", detail }]);
}

async function statOf(path: string) {
  try {
    const { size, mtimeMs } = await stat(path);
    return { length: size - TRAILER_BYTES, modifiedMs: Math.floor(mtimeMs) };
  } catch (err) {
    if (hasCode(err, "ENOENT")) return undefined;
    throw err;
  }
}

async function removeStale(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await statOf(path);
    if (found && nowMs - found.modifiedMs > STALE_MS) {
      await rm(path, { force: true });
    }
  }
}
