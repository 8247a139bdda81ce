/**
 * Multipart uploads of S3, and streams that are written by them.
 *
 * @module
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type Part,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { InvalidRequestError } from "../../errors.ts";
import { requireComplete } from "../parts.ts";
import {
  type CompleteOptions,
  MAX_PARTS,
  MIN_PART_BYTES,
  type MultipartUpload,
  type PutOptions,
  type UploadedPart,
} from "../types.ts";
import { digest, fromBase64, toBase64 } from "./digests.ts";

/** Where uploads go. */
export interface Bucket {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Metadata that keeps a digest which S3 itself cannot: of joined parts. */
export const DIGEST_NAME = "sha256";

/** Begin an upload whose parts carry their SHA-256. */
export async function startUpload(
  { client, bucket }: Bucket,
  { key, mediaType, sha256 }: {
    readonly key: string;
    readonly mediaType: string;
    /** Checked before the upload is completed. */
    readonly sha256?: string;
  },
): Promise<MultipartUpload> {
  const { UploadId = "" } = await client.send(
    new CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      ContentType: mediaType,
      ChecksumAlgorithm: "SHA256",
      ...(sha256 !== undefined && { Metadata: { [DIGEST_NAME]: sha256 } }),
    }),
  );
  return { key, uploadId: UploadId };
}

/** The parts that are there, in order. */
export async function partsOf(
  bucket: Bucket,
  upload: MultipartUpload,
): Promise<UploadedPart[]> {
  return (await listAllParts(bucket, upload)).map((part) => ({
    partNumber: part.PartNumber ?? 0,
    length: part.Size ?? 0,
    sha256: fromBase64(part.ChecksumSHA256) ?? "",
  }));
}

async function listAllParts(
  { client, bucket }: Bucket,
  { key, uploadId }: MultipartUpload,
): Promise<Part[]> {
  const parts: Part[] = [];
  // the SDK's paginator goes by the marker, which some servers always send
  let page: ListPartsCommandOutput | undefined;
  do {
    page = await client.send(
      new ListPartsCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        PartNumberMarker: page?.NextPartNumberMarker,
      }),
    );
    parts.push(...page.Parts ?? []);
  } while (page.IsTruncated);
  return parts;
}

/** Join the parts of an upload into its object; gives its etag. */
export async function completeUpload(
  { client, bucket }: Bucket,
  upload: MultipartUpload,
  { length, writeOnce }: CompleteOptions,
): Promise<string | undefined> {
  const parts = await listAllParts({ client, bucket }, upload);
  requireComplete(
    parts.map((part) => ({
      partNumber: part.PartNumber ?? 0,
      length: part.Size ?? 0,
      sha256: "",
    })),
    length,
  );
  const { ETag } = await client.send(
    new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: upload.key,
      UploadId: upload.uploadId,
      ...(writeOnce && { IfNoneMatch: "*" }),
      MultipartUpload: {
        Parts: parts.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({
          PartNumber,
          ETag,
          ChecksumSHA256,
        })),
      },
    }),
  );
  return ETag;
}

/** Forget an upload. */
export async function abortUpload(
  { client, bucket }: Bucket,
  { key, uploadId }: MultipartUpload,
): Promise<void> {
  try {
    await client.send(
      new AbortMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
      }),
    );
  } catch (err) {
    if (!(err instanceof Error) || err.name !== "NoSuchUpload") throw err;
  }
}

/** Uploads that have begun and not ended. */
export async function openUploads(
  { client, bucket }: Bucket,
  prefix: string,
): Promise<(MultipartUpload & { startedMs: number })[]> {
  const uploads = [];
  let page: ListMultipartUploadsCommandOutput | undefined;
  do {
    page = await client.send(
      new ListMultipartUploadsCommand({
        Bucket: bucket,
        Prefix: prefix,
        KeyMarker: page?.NextKeyMarker,
        UploadIdMarker: page?.NextUploadIdMarker,
      }),
    );
    for (const { Key = "", UploadId = "", Initiated } of page.Uploads ?? []) {
      const startedMs = Initiated?.getTime() ?? 0;
      uploads.push({ key: Key, uploadId: UploadId, startedMs });
    }
  } while (page.IsTruncated);
  return uploads.sort((a, b) => a.startedMs - b.startedMs);
}

/**
 * Write a stream in parts, so that memory does not grow with it and a part
 * that fails is sent again. Gives the object's etag.
 */
export async function uploadStream(
  bucket: Bucket,
  { key, content, options }: {
    readonly key: string;
    readonly content: AsyncIterable<Uint8Array<ArrayBuffer>>;
    readonly options: PutOptions & { readonly length: number };
  },
): Promise<string | undefined> {
  const upload = await startUpload(bucket, { key, ...options });
  const hash = createHash("sha256");
  try {
    let partNumber = 0;
    for await (const part of cutParts(content, options.length)) {
      options.signal?.throwIfAborted();
      hash.update(part);
      await bucket.client.send(
        new UploadPartCommand({
          Bucket: bucket.bucket,
          Key: key,
          UploadId: upload.uploadId,
          PartNumber: ++partNumber,
          Body: part,
          ChecksumSHA256: toBase64(digest(part)),
        }),
        { ...(options.signal && { abortSignal: options.signal }) },
      );
    }
    const sha256 = hash.digest("hex");
    if (options.sha256 !== undefined && sha256 !== options.sha256) {
      throw new InvalidRequestError([{
        pointer: "/sha256",
        detail: `${options.sha256} was announced, the content has ${sha256}`,
      }]);
    }
    const { length, writeOnce = false } = options;
    return await completeUpload(bucket, upload, { length, writeOnce });
  } catch (err) {
    // the first failure is told, not one of tidying up after it
    await abortUpload(bucket, upload).catch(() => {});
    throw err;
  }
}

/** Parts of equal length but the last, at most `MAX_PARTS` of them. */
export async function* cutParts(
  content: AsyncIterable<Uint8Array<ArrayBuffer>>,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(length / MAX_PARTS));
  let left = length;
  let part = new Uint8Array(Math.min(partBytes, left));
  let filled = 0;
  for await (const chunk of content) {
    if (chunk.length > left) throw wrongLength(length, "more");
    left -= chunk.length;
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.subarray(at, at + part.length - filled);
      part.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < part.length) continue;
      yield part;
      part = new Uint8Array(
        Math.min(partBytes, left + chunk.length - at),
      );
      filled = 0;
    }
  }
  if (left > 0) throw wrongLength(length, `${length - left}`);
}

/** The error of content that is not as long as announced. */
export function wrongLength(
  length: number,
  found: string,
): InvalidRequestError {
  return new InvalidRequestError([{
    pointer: "/length",
    detail: `${length} bytes were announced, ${found} came`,
  }]);
}
