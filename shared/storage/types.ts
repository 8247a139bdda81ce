/**
 * The contract of the object store: what edge and worker may expect of a local
 * folder and of S3 alike. `test/storage/contract.ts` holds each adapter to it.
 *
 * Keys are spelled by `keys.ts` only. An object appears whole or not at all,
 * and its bytes never change under a reader that has begun. Every failure of
 * the store is a `StorageError` and may be repeated.
 *
 * @module
 */

/** Parts of a multipart upload but the last have at least so many bytes (S3). */
export const MIN_PART_BYTES = 5 * 1024 * 1024;

/** A multipart upload has at most so many parts (S3). */
export const MAX_PARTS = 10_000;

/** A signed URL lives at most so long. */
export const MAX_TTL_SECONDS = 15 * 60;

/** What a page of a listing holds at most (S3). */
export const MAX_LISTED = 1000;

/** Time as the adapters see it, ms since 1970. */
export type Clock = () => number;

/** What is known of a stored object. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly length: number;
  readonly mediaType: string;
  /** Changes with the content; opaque, without quotes. */
  readonly etag: string;
  /**
   * SHA-256 of the content, 64 lower-case hex digits, where the store or the
   * adapter has checked it; none after a multipart upload by signed parts.
   */
  readonly sha256: string | undefined;
  /** ms since 1970 by the store's clock; in `put`'s answer by the writer's. */
  readonly modifiedMs: number;
}

/** What a listing tells of an object: a listing does not open it. */
export type ListedObject = Pick<ObjectInfo, "key" | "length" | "modifiedMs">;

/** A page of a listing. */
export interface Listing {
  /** In order of their keys' UTF-8 bytes. */
  readonly objects: readonly ListedObject[];
  /** Pass as `after` to get the next page; none on the last one. */
  readonly next: string | undefined;
}

/** An object and its bytes, or a range of them. */
export interface StoredObject {
  readonly info: ObjectInfo;
  /** First byte of `body` within the object. */
  readonly start: number;
  /** Bytes of `body`; less than `info.length` for a range. */
  readonly length: number;
  /**
   * Fails with a `StorageError` where it ends early. Read it to the end or
   * cancel it: it holds a file or a connection.
   */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What is stored. */
export type Content =
  | Uint8Array<ArrayBuffer>
  | ReadableStream<Uint8Array<ArrayBuffer>>;

/** How an object is written. */
export interface PutOptions {
  readonly mediaType: string;
  /** Bytes of the content; another length is refused. A stream must have it. */
  readonly length?: number;
  /** 64 lower-case hex digits; other content is refused. */
  readonly sha256?: string;
  /** The key must be free: of several writers exactly one succeeds. */
  readonly writeOnce?: boolean;
  readonly signal?: AbortSignal;
  /**
   * It appears only after this has resolved, and never where this rejects, as
   * `put` does then. What can be done before is done meanwhile.
   */
  readonly after?: Promise<unknown>;
  /**
   * Called when its bytes are handed over, or cannot be before `after`: the
   * rest is to wait. May be called again.
   */
  readonly onSent?: () => void;
}

/** A call that whoever holds it may make, once or more, until it expires. */
export interface SignedRequest {
  readonly method: "GET" | "PUT";
  readonly url: string;
  /** To be sent exactly so; `content-length` is set by every HTTP client. */
  readonly headers: Readonly<Record<string, string>>;
  /** ms since 1970. */
  readonly expiresMs: number;
}

/** What a signed GET grants. */
export interface PresignGetOptions {
  /** 1 to `MAX_TTL_SECONDS`. */
  readonly ttlSeconds: number;
  /** Name under which a browser saves it (Content-Disposition). */
  readonly fileName?: string;
}

/** What a signed PUT grants: these bytes and no others. */
export interface PresignPutOptions {
  /** 1 to `MAX_TTL_SECONDS`. */
  readonly ttlSeconds: number;
  /** Bytes. */
  readonly length: number;
  readonly mediaType: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  /** The key must be free (default true). */
  readonly writeOnce?: boolean;
}

/** A multipart upload that has begun; plain data, to be kept and resumed. */
export interface MultipartUpload {
  readonly key: string;
  readonly uploadId: string;
}

/** A part that the store has. */
export interface UploadedPart {
  /** 1 to `MAX_PARTS`. */
  readonly partNumber: number;
  /** Bytes. */
  readonly length: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** What a signed PUT of one part grants. */
export interface PresignPartOptions extends UploadedPart {
  /** 1 to `MAX_TTL_SECONDS`. */
  readonly ttlSeconds: number;
}

/** How a multipart upload ends. */
export interface CompleteOptions {
  /** Bytes of all parts together. */
  readonly length: number;
  /** The key must be free (default true). */
  readonly writeOnce?: boolean;
}

/** The object store. */
export interface ObjectStore {
  /**
   * Store bytes under a key.
   *
   * @throws {InvalidRequestError} if length or digest are not as said
   * @throws {ConflictError} with `writeOnce`, if the key is taken
   * @throws {StorageError} otherwise
   */
  put(key: string, content: Content, options: PutOptions): Promise<ObjectInfo>;

  /**
   * Open an object.
   *
   * @param range  `start` and `end` (exclusive) bytes, cut at the object's end
   * @throws {NotFoundError} if there is none
   * @throws {InvalidRequestError} if the range starts behind the end
   */
  get(
    key: string,
    range?: { readonly start: number; readonly end?: number },
  ): Promise<StoredObject>;

  /** What is known of an object; undefined if there is none. */
  head(key: string): Promise<ObjectInfo | undefined>;

  /**
   * Objects whose keys begin with `prefix`, a page at a time.
   *
   * @param options  `after`: list keys behind this one; `limit`: objects a
   *                 page, at most and by default `MAX_LISTED`
   */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<Listing>;

  /** Delete an object; nothing happens if there is none. */
  delete(key: string): Promise<void>;

  /** A signed GET, with ranges; whether the object exists is not looked at. */
  presignGet(key: string, options: PresignGetOptions): Promise<SignedRequest>;

  /** A signed PUT of exactly one content. */
  presignPut(key: string, options: PresignPutOptions): Promise<SignedRequest>;

  /** Begin a multipart upload; the key stays free until it is completed. */
  startMultipart(
    key: string,
    options: { readonly mediaType: string },
  ): Promise<MultipartUpload>;

  /** A signed PUT of one part; a part may be sent again and then replaces. */
  presignPart(
    upload: MultipartUpload,
    options: PresignPartOptions,
  ): Promise<SignedRequest>;

  /**
   * Parts that have arrived, in order; what is missing is to be sent again.
   *
   * @throws {NotFoundError} if the upload was completed or aborted
   */
  listParts(upload: MultipartUpload): Promise<readonly UploadedPart[]>;

  /**
   * Join parts 1 to n into the object.
   *
   * @throws {InvalidRequestError} if a part is missing or too small, or the
   *   lengths do not add up; the upload can go on
   * @throws {ConflictError} with `writeOnce`, if the key is taken
   * @throws {NotFoundError} if the upload was completed or aborted
   */
  completeMultipart(
    upload: MultipartUpload,
    options: CompleteOptions,
  ): Promise<ObjectInfo>;

  /** Forget an upload and its parts; nothing happens if there is none. */
  abortMultipart(upload: MultipartUpload): Promise<void>;

  /** Uploads that have begun and not ended, oldest first: to sweep. */
  listMultiparts(
    prefix: string,
  ): Promise<readonly (MultipartUpload & { readonly startedMs: number })[]>;

  /** Release connections. */
  close(): Promise<void>;
}
