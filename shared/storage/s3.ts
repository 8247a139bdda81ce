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
} from "@aws-sdk/client-s3";
import { ArgumentError, NotFoundError } from "../errors.ts";
import { requireKey, requirePrefix } from "./keys.ts";
import { connect, type S3Options, surface } from "./s3/client.ts";
import { emptyRange, hold, requireWhole } from "./s3/bodies.ts";
import { digest, fromBase64, toBase64 } from "./s3/digests.ts";
import { signingOf } from "./s3/presign.ts";
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
    if (options.after) options.onSent?.();
    await options.after;
    const sent = client.send(
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
    options.onSent?.();
    const { ETag } = await sent;
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
        // it may fail before it is waited for
        options.after?.catch(() => {});
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
        options.onSent?.();
        await options.after;
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

    ...signingOf({ signer, bucket: Bucket, now }),

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

    startMultipart: (key, { mediaType }) =>
      surface(
        { operation: "startMultipart", key: requireKey(key) },
        () => startUpload(home, { key, mediaType }),
      ),

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
}

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
