/**
 * Names of an image's axes: given by the caller, told by the file, or guessed
 * from the shape, which is then said.
 *
 * T time, C channel, Z depth, Y rows, X columns; slowest first.
 *
 * @module
 */
import { ArgumentError, UnsupportedFormatError } from "../errors.ts";

/** Most channels an axis may have to be taken for the channels. */
const MAX_GUESSED_CHANNELS = 4;

/** Axes, and whether they are a guess. */
export interface Axes {
  /** As "CYX". */
  readonly axes: string;
  readonly shape: readonly number[];
  readonly inferred: boolean;
  readonly warnings: readonly string[];
}

/** What is known of the axes. */
export interface AxesFacts {
  /** The caller's: overrules all. */
  readonly given?: string | undefined;
  /** The file's own. */
  readonly told?: string | undefined;
}

/**
 * Decide the axes of an array.
 *
 * Axes of length 1 may be left out of the given axes.
 *
 * @param shape  slowest axis first
 * @throws {ArgumentError} if the given axes do not fit the shape
 * @throws {UnsupportedFormatError} if an array has fewer than 2 or more than 5
 *   axes and none are given
 */
export function decideAxes(
  shape: readonly number[],
  { given, told }: AxesFacts = {},
): Axes {
  if (given !== undefined) return fitAxes(given, shape);
  if (told !== undefined && told.length === shape.length) {
    return { axes: told, shape, inferred: false, warnings: [] };
  }
  const axes = guessAxes(shape);
  // two axes can only be rows and columns
  if (shape.length === 2) {
    return { axes, shape, inferred: false, warnings: [] };
  }
  return {
    axes,
    shape,
    inferred: true,
    warnings: [
      `Axes ${axes} are inferred from the shape ${
        shape.join("×")
      }; give axes if they are others`,
    ],
  };
}

/**
 * Check the spelling of axes.
 *
 * @returns  in upper case
 * @throws {ArgumentError}
 */
export function parseAxes(text: string): string {
  const axes = text.trim().toUpperCase();
  const isSet = new Set(axes).size === axes.length;
  if (!/^[TCZYX]{2,5}$/.test(axes) || !isSet || !/Y.*X|X.*Y/.test(axes)) {
    throw new ArgumentError(
      "axes",
      `"${text}" must be some of T, C, Z, Y, X, each once, Y and X among them`,
    );
  }
  return axes;
}

function fitAxes(given: string, shape: readonly number[]): Axes {
  const axes = parseAxes(given);
  let fit = shape;
  // drop axes of length 1, the first ones first
  while (fit.length > axes.length && fit.includes(1)) {
    const at = fit.indexOf(1);
    fit = fit.filter((_, i) => i !== at);
  }
  if (fit.length !== axes.length) {
    throw new ArgumentError(
      "axes",
      `${axes} has ${axes.length} axes, the image ${shape.length} (${
        shape.join("×")
      })`,
    );
  }
  return { axes, shape: fit, inferred: false, warnings: [] };
}

/**
 * The likeliest axes of a shape: few channels first or last, then the order
 * of OME.
 *
 * Source: Cellpose 4.2.1.1 `convert_image` takes the smaller of first and last
 *   axis for the channels.
 * Differs: only an axis of up to 4; else the first axis is depth.
 */
function guessAxes(shape: readonly number[]): string {
  if (shape.length < 2 || shape.length > 5) {
    throw new UnsupportedFormatError(`An array of ${shape.length} axes`, [
      "2 to 5 axes",
    ], { advice: "Give its axes, as ZYX" });
  }
  if (shape.length === 2) return "YX";
  const first = shape[0];
  const last = shape[shape.length - 1];
  const isLast = last <= MAX_GUESSED_CHANNELS && last < shape[shape.length - 2];
  const isFirst = first <= MAX_GUESSED_CHANNELS && first < last;
  if (shape.length === 3) return isFirst ? "CYX" : isLast ? "YXC" : "ZYX";
  if (shape.length === 4) {
    return isLast
      ? "ZYXC"
      : isFirst && shape[1] > MAX_GUESSED_CHANNELS
      ? "CZYX"
      : "ZCYX";
  }
  return isLast ? "TZYXC" : "TCZYX";
}
