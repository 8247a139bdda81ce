/**
 * The connection to an S3 server, and what its refusals mean here.
 *
 * @module
 */
import { S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import {
  ArgumentError,
  ConflictError,
  InvalidRequestError,
  isSegError,
  NotFoundError,
  StorageError,
} from "../../errors.ts";
import type { Clock } from "../types.ts";

/** A bucket of an S3 server, and how to reach it. */
export interface S3Options {
  readonly bucket: string;
  /** "https://s3.example.org"; none for AWS. */
  readonly endpoint?: string;
  /**
   * Endpoint in signed URLs, where clients reach the server by another name
   * (default: the same).
   */
  readonly publicEndpoint?: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** The bucket in the path, not in the host name (default true). */
  readonly hasPathStyle?: boolean;
  /** Of one request without its body, ms (default 30 s). */
  readonly timeoutMs?: number;
  /** Tries of one request (default 4), with growing pauses. */
  readonly maxAttempts?: number;
  /** For the expiry of signed URLs. */
  readonly now?: Clock;
}

/** Connect to a server; nothing is sent yet. */
export function connect(
  options: S3Options,
  endpoint: string | undefined,
): S3Client {
  const { region, credentials, timeoutMs = 30_000 } = options;
  return new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    region,
    credentials,
    forcePathStyle: options.hasPathStyle ?? true,
    maxAttempts: options.maxAttempts ?? 4,
    // SHA-256 is sent where it is known; a CRC beside it tells no more
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    },
  });
}

/** What an operation is on, for its errors. */
export interface Subject {
  readonly operation: string;
  readonly key: string;
  /** What a refused precondition or a missing thing is called. */
  readonly uploadId?: string;
}

/** Run an operation; what the server refuses becomes an error of the table. */
export async function surface<T>(
  { operation, key, uploadId }: Subject,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (isSegError(cause) || cause instanceof ArgumentError) throw cause;
    if (cause instanceof Error && cause.name === "AbortError") throw cause;
    const status = statusOf(cause);
    const code = cause instanceof Error ? cause.name : "";
    if (code === "NoSuchUpload") {
      throw new NotFoundError("upload", uploadId ?? key);
    }
    if (code === "NoSuchKey" || code === "NotFound") {
      throw new NotFoundError("object", key);
    }
    // 409: another conditional write of the key is under way
    if (status === 412 || code === "ConditionalRequestConflict") {
      throw new ConflictError(`object ${key}`, "exists already");
    }
    const pointer = FAULTS[code];
    if (pointer !== undefined) {
      const detail = (cause as Error).message;
      throw new InvalidRequestError([{ pointer, detail }], cause);
    }
    throw new StorageError(operation, key, {
      cause,
      detail: describe(cause),
      isFull: status === 507 || FULL.includes(code),
    });
  }
}

/** Refusals that the content is to blame for. */
const FAULTS: Readonly<Record<string, string>> = {
  BadDigest: "/sha256",
  XAmzContentChecksumMismatch: "/sha256",
  IncompleteBody: "/length",
  InvalidRange: "range",
  EntityTooSmall: "/parts",
  EntityTooLarge: "/length",
};

const FULL = ["QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"];

function statusOf(err: unknown): number | undefined {
  return err instanceof S3ServiceException
    ? err.$metadata.httpStatusCode
    : undefined;
}

function describe(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  const status = statusOf(err);
  const answer = status === undefined ? "" : ` (HTTP ${status})`;
  return `${err.name}: ${err.message}${answer}`;
}
