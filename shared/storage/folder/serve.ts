/**
 * Answer requests of signed URLs as S3 would, from a local folder.
 *
 * What is wrong with a request's headers is found before its body is read.
 *
 * @module
 */
import {
  ForbiddenError,
  InvalidRequestError,
  isSegError,
  NotFoundError,
} from "../../errors.ts";
import type { MultipartUpload, ObjectStore } from "../types.ts";
import type { FileInfo, WriteOptions } from "./object_file.ts";
import { type Grant, readGrant } from "./sign.ts";

/** Who answers, and from what. */
export interface Answering {
  readonly store: ObjectStore;
  readonly secret: Uint8Array;
  readonly nowMs: number;
  /** Path of the base URL, without a slash at its end. */
  readonly basePath: string;
  putPart(upload: MultipartUpload, part: {
    readonly partNumber: number;
    readonly content: ReadableStream<Uint8Array<ArrayBuffer>>;
    readonly options: Pick<WriteOptions, "length" | "sha256" | "signal">;
  }): Promise<FileInfo>;
}

/** Answer a request; see `FolderStore.serve` for what it throws. */
export async function answerSigned(
  request: Request,
  answering: Answering,
): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (!pathname.startsWith(`${answering.basePath}/`)) {
    throw new NotFoundError("path", pathname);
  }
  const path = pathname.slice(answering.basePath.length);
  const grant = readGrant(path, searchParams, answering);
  const allowed = grant.operation === "get" ? ["GET", "HEAD"] : ["PUT"];
  if (!allowed.includes(request.method)) {
    throw new ForbiddenError(`The URL is signed for ${allowed[0]}`);
  }
  return grant.operation === "get"
    ? await answerGet(request, grant, answering.store)
    : await answerPut(request, grant, answering);
}

async function answerGet(
  request: Request,
  grant: Grant & { operation: "get" },
  store: ObjectStore,
): Promise<Response> {
  const info = await store.head(grant.key);
  if (info === undefined) throw new NotFoundError("object", grant.key);
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-type": info.mediaType,
    "etag": `"${info.etag}"`,
    // what users upload must not run as a page of this origin
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
  });
  if (grant.fileName !== "") {
    headers.set("content-disposition", disposition(grant.fileName));
  }
  const ifRange = request.headers.get("if-range");
  const range = ifRange === null || ifRange === headers.get("etag")
    ? readRange(request.headers.get("range"), info.length)
    : undefined;
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${info.length}`);
    return new Response(null, { status: 416, headers });
  }
  const { start, end } = range ?? { start: 0, end: info.length };
  headers.set("content-length", `${end - start}`);
  if (range) {
    headers.set("content-range", `bytes ${start}-${end - 1}/${info.length}`);
  }
  const status = range ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  const found = await store.get(grant.key, { start, end });
  if (found.info.etag !== info.etag) {
    // replaced since: its headers would be of the other content
    await found.body.cancel();
    return await answerGet(request, grant, store);
  }
  return new Response(found.body, { status, headers });
}

async function answerPut(
  request: Request,
  grant: Exclude<Grant, { operation: "get" }>,
  { store, putPart }: Answering,
): Promise<Response> {
  requireHeader(request, "content-length", `${grant.length}`);
  if (grant.operation === "put") {
    requireHeader(request, "content-type", grant.mediaType);
  }
  const { key, length, sha256 } = grant;
  const content = request.body ?? new Blob([]).stream();
  const said = { length, sha256 };
  try {
    const { etag } = grant.operation === "put"
      ? await store.put(key, content, {
        ...said,
        mediaType: grant.mediaType,
        writeOnce: grant.writeOnce,
      })
      : await putPart({ key, uploadId: grant.uploadId }, {
        partNumber: grant.partNumber,
        content,
        options: said,
      });
    return new Response(null, { status: 200, headers: { etag: `"${etag}"` } });
  } catch (err) {
    // the store's own failures have tags: another comes from the body, whose
    // sender went away; nobody will read the answer
    if (isSegError(err)) throw err;
    throw new InvalidRequestError([{
      pointer: "body",
      detail: "the connection was closed before its end",
    }], err);
  }
}

function requireHeader(request: Request, name: string, signed: string): void {
  const found = request.headers.get(name);
  if (found === signed) return;
  throw new ForbiddenError(
    `The URL is signed for ${name} ${signed}, not ${found ?? "none"}`,
  );
}

/**
 * One range of bytes, its end exclusive; undefined where there is none, or
 * several, or one that is malformed: then the whole is sent (RFC 9110 §14.2).
 */
function readRange(
  header: string | null,
  length: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || match[0] === "bytes=-") return undefined;
  const [, first, last] = match;
  const start = first === ""
    ? Math.max(0, length - Number(last))
    : Number(first);
  const end = first === "" || last === ""
    ? length
    : Math.min(length, Number(last) + 1);
  if (first !== "" && last !== "" && Number(last) < Number(first)) {
    return undefined;
  }
  return start < end ? { start, end } : "unsatisfiable";
}

/** RFC 6266 with the encoding of RFC 8187, which every name survives. */
function disposition(fileName: string): string {
  const encoded = encodeURIComponent(fileName)
    .replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `attachment; filename*=UTF-8''${encoded}`;
}
