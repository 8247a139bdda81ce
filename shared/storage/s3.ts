/**
 * The object store in a bucket of S3, or of a server that speaks its protocol:
 * SigV4, conditional writes (If-None-Match), SHA-256 checksums, multipart.
 *
 * @module
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
  ArgumentError,
  InvalidRequestError,
  NotFoundError,
  StorageError,
} from "../errors.ts";
import { requireKey, requirePrefix } from "./keys.ts";
import { requireContent, requirePartNumber } from "./parts.ts";
import { connect, type S3Options, surface } from "./s3/client.ts";
import { digest, fromBase64, toBase64 } from "./s3/digests.ts";
import {
  abortUpload,
  completeUpload,
  DIGEST_NAME,
  openUploads,
  partsOf,
  startUpload,
  uploadStream,
  wrongLength,
} from "./s3/multipart.ts";
import { expiryOf } from "./expiry.ts";
import {
  MAX_LISTED,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
} from "./types.ts";

export type { S3Options } from "./s3/client.ts";

/** Streams so short are held in memory and sent as one request. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/** Open a bucket as an object store. */
export function openS3(options: S3Options): ObjectStore {
  const { bucket: Bucket, now = Date.now } = options;
  const client = connect(options, options.endpoint);
  const signer = connect(options, options.publicEndpoint ?? options.endpoint);
  const home = { client, bucket: Bucket };

  async function head(key: string): Promise<ObjectInfo | undefined> {
    const Key = requireKey(key);
    try {
      return await surface({ operation: "head", key }, async () =>
        infoOf(
          key,
          await client.send(
            new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }),
          ),
        ));
    } catch (err) {
      if (err instanceof NotFoundError) return undefined;
      throw err;
    }
  }

  async function putBytes(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: PutOptions,
  ): Promise<ObjectInfo> {
    const { length = bytes.length, sha256 = digest(bytes) } = options;
    if (length !== bytes.length) throw wrongLength(length, `${bytes.length}`);
    const { ETag } = await client.send(
      new PutObjectCommand({
        Bucket,
        Key: key,
        Body: bytes,
        ContentType: options.mediaType,
        ChecksumSHA256: toBase64(sha256),
        ...(options.writeOnce && { IfNoneMatch: "*" }),
      }),
      { ...(options.signal && { abortSignal: options.signal }) },
    );
    return written(key, ETag, { ...options, length, sha256 });
  }

  /** What is known of an object that was just written, without asking. */
  function written(
    key: string,
    etag: string | undefined,
    { length, mediaType, sha256 }: PutOptions & { readonly length: number },
  ): ObjectInfo {
    const modifiedMs = now();
    return { key, length, mediaType, etag: bare(etag), sha256, modifiedMs };
  }

  return {
    put: (key, content, options) =>
      surface({ operation: "put", key: requireKey(key) }, async () => {
        if (content instanceof Uint8Array) {
          return await putBytes(key, content, options);
        }
        const { length } = options;
        if (length === undefined) {
          throw new ArgumentError("length", "of a stream has to be given");
        }
        if (length <= MAX_HELD_BYTES) {
          return await putBytes(key, await hold(content, length), options);
        }
        const said = { ...options, length };
        const etag = await uploadStream(home, { key, content, options: said });
        return written(key, etag, said);
      }),

    get: (key, range) =>
      surface({ operation: "get", key: requireKey(key) }, async () => {
        const { start = 0, end } = range ?? {};
        if (end !== undefined && end <= start) {
          return await emptyRange(key, start, await head(key));
        }
        const isRange = start > 0 || end !== undefined;
        const last = end === undefined ? "" : end - 1;
        const found = await client.send(
          new GetObjectCommand({
            Bucket,
            Key: key,
            ...(isRange
              ? { Range: `bytes=${start}-${last}` }
              : { ChecksumMode: "ENABLED" }),
          }),
        );
        const length = found.ContentLength ?? 0;
        const total = /\/(\d+)$/.exec(found.ContentRange ?? "")?.[1];
        const body = found.Body?.transformToWebStream() ?? new Blob().stream();
        return {
          info: {
            ...infoOf(key, found),
            length: total === undefined ? length : Number(total),
          },
          start,
          length,
          body: requireWhole(body, { key, length }),
        };
      }),

    head,

    list: (prefix, { after, limit = MAX_LISTED } = {}) =>
      surface({ operation: "list", key: requirePrefix(prefix) }, async () => {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            StartAfter: after,
            MaxKeys: Math.min(limit, MAX_LISTED),
          }),
        );
        const objects = (page.Contents ?? []).map((found) => ({
          key: found.Key ?? "",
          length: found.Size ?? 0,
          modifiedMs: found.LastModified?.getTime() ?? 0,
        }));
        const next = page.IsTruncated ? objects.at(-1)?.key : undefined;
        return { objects, next };
      }),

    delete: (key) =>
      surface({ operation: "delete", key: requireKey(key) }, async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: key }));
      }),

    async presignGet(key, { ttlSeconds, fileName }) {
      const signed = signing(ttlSeconds, ["host"]);
      const command = new GetObjectCommand({
        Bucket,
        Key: requireKey(key),
        ...(fileName && {
          ResponseContentDisposition: `attachment; filename*=UTF-8''${
            encodeURIComponent(fileName)
          }`,
        }),
      });
      const url = await getSignedUrl(signer, command, signed.options);
      return { method: "GET", url, headers: {}, expiresMs: signed.expiresMs };
    },

    async presignPut(key, { ttlSeconds, writeOnce = true, ...content }) {
      requireContent(content);
      const checksum = toBase64(content.sha256);
      const signed = signing(ttlSeconds, PUT_HEADERS);
      const command = new PutObjectCommand({
        Bucket,
        Key: requireKey(key),
        ContentType: content.mediaType,
        ContentLength: content.length,
        ChecksumSHA256: checksum,
        ...(writeOnce && { IfNoneMatch: "*" }),
      });
      const url = await getSignedUrl(signer, command, signed.options);
      const headers = {
        "content-type": content.mediaType,
        [CHECKSUM]: checksum,
        ...(writeOnce && { "if-none-match": "*" }),
      };
      return { method: "PUT", url, headers, expiresMs: signed.expiresMs };
    },

    startMultipart: (key, { mediaType }) =>
      surface(
        { operation: "startMultipart", key: requireKey(key) },
        () => startUpload(home, { key, mediaType }),
      ),

    async presignPart({ key, uploadId }, { ttlSeconds, ...part }) {
      requirePartNumber(part.partNumber);
      requireContent(part);
      const checksum = toBase64(part.sha256);
      const signed = signing(ttlSeconds, PART_HEADERS);
      const command = new UploadPartCommand({
        Bucket,
        Key: requireKey(key),
        UploadId: uploadId,
        PartNumber: part.partNumber,
        ContentLength: part.length,
        ChecksumSHA256: checksum,
      });
      const url = await getSignedUrl(signer, command, signed.options);
      const headers = { [CHECKSUM]: checksum };
      return { method: "PUT", url, headers, expiresMs: signed.expiresMs };
    },

    listParts: (upload) =>
      surface(
        { operation: "listParts", ...upload },
        () => partsOf(home, upload),
      ),

    completeMultipart: (upload, { length, writeOnce = true }) =>
      surface({ operation: "completeMultipart", ...upload }, async () => {
        await completeUpload(home, upload, { length, writeOnce });
        const info = await head(upload.key);
        if (info) return info;
        throw new NotFoundError("object", upload.key);
      }),

    abortMultipart: (upload) =>
      surface(
        { operation: "abortMultipart", ...upload },
        () => abortUpload(home, upload),
      ),

    listMultiparts: (prefix) =>
      surface(
        { operation: "listMultiparts", key: requirePrefix(prefix) },
        () => openUploads(home, prefix),
      ),

    close() {
      client.destroy();
      signer.destroy();
      return Promise.resolve();
    },
  };

  /** @param headers  which the client has to send as they were signed */
  function signing(ttlSeconds: number, headers: readonly string[]) {
    const nowMs = now();
    return {
      expiresMs: expiryOf(ttlSeconds, nowMs),
      options: {
        expiresIn: ttlSeconds,
        signingDate: new Date(nowMs),
        // in the query it would be a claim that the client need not repeat
        unhoistableHeaders: new Set([CHECKSUM]),
        signableHeaders: new Set(headers),
      },
    };
  }
}

const CHECKSUM = "x-amz-checksum-sha256";

// the SDK gives a part a media type of its own: clients send another, or none
const PART_HEADERS = ["host", "content-length", CHECKSUM];
const PUT_HEADERS = [...PART_HEADERS, "content-type", "if-none-match"];

function bare(etag = ""): string {
  return etag.replaceAll('"', "");
}

function infoOf(
  key: string,
  found: Omit<HeadObjectCommandOutput, "$metadata">,
): ObjectInfo {
  return {
    key,
    length: found.ContentLength ?? 0,
    mediaType: found.ContentType ?? "application/octet-stream",
    etag: bare(found.ETag),
    sha256: fromBase64(found.ChecksumSHA256) ?? found.Metadata?.[DIGEST_NAME],
    modifiedMs: found.LastModified?.getTime() ?? 0,
  };
}

// HTTP has no empty range: the object is only looked at
function emptyRange(key: string, start: number, info: ObjectInfo | undefined) {
  if (info === undefined) throw new NotFoundError("object", key);
  if (start < 0 || start > info.length) {
    const detail = `byte ${start} is not among ${info.length}`;
    throw new InvalidRequestError([{ pointer: "range", detail }]);
  }
  return { info, start, length: 0, body: new Blob().stream() };
}

/** A stream that fails where it ends before its length, or breaks. */
function requireWhole(
  body: ReadableStream,
  { key, length }: { readonly key: string; readonly length: number },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(async function* () {
    let found = 0;
    try {
      for await (const chunk of body) {
        found += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      throw new StorageError("get", key, { cause, detail: "the body broke" });
    }
    if (found === length) return;
    const detail = `${found} bytes of ${length} came`;
    throw new StorageError("get", key, { detail });
  }());
}

async function hold(
  content: ReadableStream<Uint8Array<ArrayBuffer>>,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const held = new Uint8Array(length);
  let at = 0;
  for await (const chunk of content) {
    if (at + chunk.length > length) throw wrongLength(length, "more");
    held.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw wrongLength(length, `${at}`);
  return held;
}
