/**
 * SHA-256 as hex here, as base64 in S3's headers.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** 64 hex digits as base64. */
export function toBase64(sha256: string): string {
  return Buffer.from(sha256, "hex").toString("base64");
}

/** Base64 as 64 hex digits; undefined for the digest of parts' digests. */
export function fromBase64(checksum: string | undefined): string | undefined {
  const isWhole = checksum !== undefined && !checksum.includes("-");
  return isWhole ? Buffer.from(checksum, "base64").toString("hex") : undefined;
}

/** SHA-256 of bytes, 64 hex digits. */
export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
