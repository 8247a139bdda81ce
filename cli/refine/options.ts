/**
 * Options of `refine`.
 *
 * @module
 */
import type { Point, Prompt } from "../../shared/pipeline/refine.ts";
import { UsageError } from "../usage_error.ts";

/** As commander gives them. */
export interface RefineOptions {
  readonly model: string;
  readonly out: string;
  /** "y,x;y,x" */
  readonly points?: string;
  readonly negativePoints?: string;
  /** "y0,x0,y1,x1" */
  readonly box?: string;
  /** Label file whose cell is the prompt, and is replaced. */
  readonly mask?: string;
  /** Label file that the cell is painted into. */
  readonly masks?: string;
  readonly label?: string;
  readonly channels?: string;
  readonly norm?: boolean;
  readonly provider?: "cuda" | "webgpu" | "cpu";
  readonly json?: boolean;
}

/** The parts of a prompt that options spell out. */
export type RefinePrompt = Omit<Prompt, "cell">;

/** Options, checked. */
export interface RefineCommand {
  readonly model: string;
  readonly out: string;
  readonly prompt: RefinePrompt;
  readonly mask: string | undefined;
  readonly masks: string | undefined;
  /** Default: the one after all others. */
  readonly label: number | undefined;
  readonly channels: (number | string)[] | undefined;
  readonly normalize: boolean;
  readonly provider: "cuda" | "webgpu" | "cpu";
  readonly json: boolean;
}

/**
 * Check the options.
 *
 * @throws {UsageError} naming the option
 */
export function readRefineOptions(given: RefineOptions): RefineCommand {
  const { points, negativePoints, box, mask, label } = given;
  if (points === undefined && box === undefined && mask === undefined) {
    throw new UsageError(
      "say which cell is meant: --points y,x[;…], --box y0,x0,y1,x1, or --mask FILE --label N",
    );
  }
  if (mask !== undefined && label === undefined) {
    throw new UsageError("option --mask: needs --label N, the cell in it");
  }
  const number = label === undefined ? undefined : Number(label);
  if (number !== undefined && !(Number.isInteger(number) && number > 0)) {
    throw new UsageError(`option --label: must be 1 or more (is ${label})`);
  }
  const prompt: RefinePrompt = {
    ...(points === undefined ? {} : { points: readPoints("points", points) }),
    ...(negativePoints === undefined
      ? {}
      : { negativePoints: readPoints("negative-points", negativePoints) }),
    ...(box === undefined
      ? {}
      : { box: readNumbers("box", box, 4) as unknown as Box }),
  };
  return {
    model: given.model,
    out: given.out,
    prompt,
    mask,
    masks: given.masks,
    label: number,
    channels: given.channels?.split(",").map((each) =>
      /^\d+$/.test(each) ? Number(each) : each
    ),
    normalize: given.norm === true,
    provider: given.provider ?? "cpu",
    json: given.json === true,
  };
}

type Box = NonNullable<Prompt["box"]>;

function readPoints(name: string, text: string): Point[] {
  return text.split(";").filter((each) => each.trim() !== "")
    .map((each) => readNumbers(name, each, 2) as unknown as Point);
}

function readNumbers(name: string, text: string, count: number): number[] {
  const parts = text.split(",");
  const numbers = parts.map(Number);
  const isRight = parts.length === count &&
    parts.every((part) => part.trim() !== "") && numbers.every(Number.isFinite);
  if (isRight) return numbers;
  throw new UsageError(
    `option --${name}: "${text}" is not ${count} numbers with commas between`,
  );
}
