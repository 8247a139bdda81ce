/**
 * The errors of every part: what a caller may catch, with its facts as fields.
 *
 * Wrong arguments are programmer errors (`RangeError`); they name the argument
 * and are not part of the service's table of problems. What a user's data or
 * the world can cause is a `SegError` with a tag. One file although long: the
 * taxonomy is read as a table, and both tables that decide on it import it.
 *
 * @module
 */

/** Tags of the service's table of problems. */
export type ErrorTag =
  | "invalid-request"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "image-too-large"
  | "unsupported-format"
  | "corrupt-image"
  | "too-many-requests"
  | "quota-exceeded"
  | "model"
  | "storage"
  | "queue";

/** An error with a tag that status and retry tables decide on. */
export abstract class SegError<Tag extends ErrorTag = ErrorTag> extends Error {
  abstract readonly tag: Tag;
}

/** True for a `SegError`, of one of `tags` if any are given. */
export function isSegError(err: unknown, ...tags: ErrorTag[]): err is SegError {
  return err instanceof SegError &&
    (tags.length === 0 || tags.includes(err.tag));
}

/** A file is of a kind, or uses a feature of its kind, that is not read. */
export class UnsupportedFormatError extends SegError<"unsupported-format"> {
  override readonly name = "UnsupportedFormatError";
  readonly tag = "unsupported-format";

  /**
   * @param found      what the file is or uses
   * @param supported  what is read instead
   * @param options    `advice`: how to get there, as a program to convert with
   */
  constructor(
    readonly found: string,
    readonly supported: readonly string[],
    options: ErrorOptions & { advice?: string } = {},
  ) {
    const { advice, ...rest } = options;
    super(
      `${found} is not supported; supported: ${supported.join(", ")}${
        advice === undefined ? "" : `. ${advice}`
      }`,
      rest,
    );
  }
}

/** A file breaks the rules of its own format, or ends too early. */
export class CorruptImageError extends SegError<"corrupt-image"> {
  override readonly name = "CorruptImageError";
  readonly tag = "corrupt-image";
  /** Byte where reading failed, where it is known. */
  readonly offset: number | undefined;

  /**
   * @param format  "png", "tiff", "npy"
   * @param detail  what is wrong
   */
  constructor(
    readonly format: string,
    detail: string,
    options: { offset?: number; cause?: unknown } = {},
  ) {
    super(
      `The ${format} file is corrupt: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.offset = options.offset;
  }
}

/** What `ImageTooLargeError` counts. */
export type ImageMeasure =
  | "bytes"
  | "pixels"
  | "pages"
  | "chunks"
  | "bytes per encoded byte"
  | "ms of decoding";

/** An image, or what decoding it would take, exceeds a limit. */
export class ImageTooLargeError extends SegError<"image-too-large"> {
  override readonly name = "ImageTooLargeError";
  readonly tag = "image-too-large";

  constructor(
    readonly found: number,
    readonly limit: number,
    readonly measure: ImageMeasure = "bytes",
  ) {
    super(`Image is ${found} ${measure}, the limit is ${limit}`);
  }
}

/** A model cannot be loaded or run. */
export class ModelError extends SegError<"model"> {
  override readonly name = "ModelError";
  readonly tag = "model";
  /** Where it ran: "cuda", "webgpu", "cpu", "wasm"; none before it runs. */
  readonly provider: string | undefined;
  /** A smaller batch may succeed. */
  readonly isOutOfMemory: boolean;

  /**
   * @param model   name or folder
   * @param detail  what is wrong, and how to mend it
   */
  constructor(
    readonly model: string,
    detail: string,
    options: { provider?: string; outOfMemory?: boolean; cause?: unknown } = {},
  ) {
    super(
      `Model ${model}: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.provider = options.provider;
    this.isOutOfMemory = options.outOfMemory ?? false;
  }
}

/** One thing that is wrong with a request. */
export interface RequestFault {
  /** JSON pointer into the body, or the name of a header or parameter. */
  readonly pointer: string;
  readonly detail: string;
}

/** A request, or what it sends, breaks the rules of its route. */
export class InvalidRequestError extends SegError<"invalid-request"> {
  override readonly name = "InvalidRequestError";
  readonly tag = "invalid-request";

  constructor(readonly errors: readonly RequestFault[], cause?: unknown) {
    super(
      errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; "),
      cause === undefined ? undefined : { cause },
    );
  }
}

/** The caller gave no credentials, or none that are known. */
export class UnauthorizedError extends SegError<"unauthorized"> {
  override readonly name = "UnauthorizedError";
  readonly tag = "unauthorized";
}

/** The caller is known, or holds a signed URL, and may not do this. */
export class ForbiddenError extends SegError<"forbidden"> {
  override readonly name = "ForbiddenError";
  readonly tag = "forbidden";

  /** @param what  what is refused, and why */
  constructor(readonly what: string) {
    super(what);
  }
}

/** There is no such thing, or the caller may not know of it. */
export class NotFoundError extends SegError<"not-found"> {
  override readonly name = "NotFoundError";
  readonly tag = "not-found";

  /**
   * @param what    "object", "job", "upload"
   * @param advice  what to do about it
   */
  constructor(readonly what: string, readonly id: string, advice?: string) {
    super(
      `There is no ${what} ${id}${advice === undefined ? "" : `; ${advice}`}`,
    );
  }
}

/** The thing is not in the state that the call expects. */
export class ConflictError extends SegError<"conflict"> {
  override readonly name = "ConflictError";
  readonly tag = "conflict";

  /**
   * @param what   "object uploads/a", "job 17"
   * @param state  what it is in: "exists already", "has changed"
   */
  constructor(readonly what: string, readonly state: string) {
    super(`The ${what} ${state}`);
  }
}

/** Too many calls in a short time. */
export class TooManyRequestsError extends SegError<"too-many-requests"> {
  override readonly name = "TooManyRequestsError";
  readonly tag = "too-many-requests";

  constructor(readonly retryAfterSeconds: number) {
    super(`Too many requests; retry after ${retryAfterSeconds} s`);
  }
}

/** A key's budget is used up. */
export class QuotaExceededError extends SegError<"quota-exceeded"> {
  override readonly name = "QuotaExceededError";
  readonly tag = "quota-exceeded";

  /**
   * @param what      "pixels", "bytes", "GPU seconds"
   * @param limit     the budget, in units of `what`
   * @param resetsAt  ISO 8601
   */
  constructor(
    readonly what: string,
    readonly limit: number,
    readonly resetsAt: string,
  ) {
    super(`The budget of ${limit} ${what} is used up until ${resetsAt}`);
  }
}

/** The object store failed; the call may be repeated. */
export class StorageError extends SegError<"storage"> {
  override readonly name = "StorageError";
  readonly tag = "storage";
  /** The disk or the quota of the store is used up. */
  readonly isFull: boolean;

  /**
   * @param operation  "put", "get", "list", …
   * @param key        of the object, or a prefix
   * @param options    `detail`: what went wrong and how to mend it
   */
  constructor(
    readonly operation: string,
    readonly key: string,
    options: { detail?: string; isFull?: boolean; cause?: unknown } = {},
  ) {
    const isFull = options.isFull ?? false;
    const detail = options.detail ??
      (isFull ? "no space is left; free some or raise the quota" : undefined);
    super(
      `Storage: ${operation} of ${key} failed${detail ? `: ${detail}` : ""}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.isFull = isFull;
  }
}

/**
 * The queue or the job state failed. Whether the operation took effect is not
 * known: read before repeating what is not idempotent.
 */
export class QueueError extends SegError<"queue"> {
  override readonly name = "QueueError";
  readonly tag = "queue";

  /**
   * @param operation  "publish", "pull", "update", …
   * @param options    `detail`: what went wrong and how to mend it
   */
  constructor(
    readonly operation: string,
    options: { detail?: string; cause?: unknown } = {},
  ) {
    super(
      `Queue: ${operation} failed${
        options.detail === undefined ? "" : `: ${options.detail}`
      }`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
  }
}

/** An argument has a wrong shape, range or content; `argument` names it. */
export class ArgumentError extends RangeError {
  override readonly name: string = "ArgumentError";

  constructor(readonly argument: string, detail: string) {
    super(`${argument}: ${detail}`);
  }
}

/** The shapes of two arguments disagree, or a length does not fit its shape. */
export class ShapeError extends ArgumentError {
  override readonly name = "ShapeError";
}

/**
 * The core's memory (at most 4 GiB) cannot hold the arrays of a call.
 *
 * Mend: use the block-wise functions, or a smaller image.
 */
export class CoreMemoryError extends RangeError {
  override readonly name = "CoreMemoryError";

  constructor(readonly bytes: number) {
    super(
      `The core cannot allocate ${bytes} bytes; use the block-wise functions for an image of this size`,
    );
  }
}
