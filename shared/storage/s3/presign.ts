/**
 * Signed URLs of S3.
 *
 * @module
 */
import {
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expiryOf } from "../expiry.ts";
import { requireKey } from "../keys.ts";
import { requireContent, requirePartNumber } from "../parts.ts";
import type { Clock, ObjectStore } from "../types.ts";
import { toBase64 } from "./digests.ts";

/** The operations of a store that only sign. */
export function signingOf(
  { signer, bucket: Bucket, now }: {
    /** Its endpoint is the one that clients reach. */
    readonly signer: S3Client;
    readonly bucket: string;
    readonly now: Clock;
  },
): Pick<ObjectStore, "presignGet" | "presignPut" | "presignPart"> {
  return {
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
