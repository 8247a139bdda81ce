/**
 * The errors of every part: what a caller may catch, with its facts as fields.
 *
 * Wrong arguments are programmer errors (`RangeError`); they name the argument
 * and are not part of the service's table of problems.
 *
 * @module
 */

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
