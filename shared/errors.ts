/**
 * The errors of every part: what a caller may catch, with its facts as fields.
 *
 * Wrong arguments are programmer errors (`RangeError`); they name the argument
 * and are not part of the service's table of problems. What a user's data or
 * the world can cause is a `SegError` with a tag.
 *
 * @module
 */

/** Tags of the service's table of problems. */
export type ErrorTag =
  | "unsupported-format"
  | "corrupt-image"
  | "image-too-large"
  | "model";

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
