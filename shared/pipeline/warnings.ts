/**
 * Signs that a result may be wrong without having failed.
 *
 * @module
 */
/** Codes of warnings; a program can act on them. */
export type WarningCode =
  | "axes-inferred"
  | "channels-left-out"
  | "constant-channel"
  | "diameter-not-estimated"
  | "diameter-of-a-part"
  | "diameter-of-one-plane"
  | "diameter-outside-range"
  | "file"
  | "low-contrast"
  | "mask-almost-full"
  | "mask-empty"
  | "non-finite-pixels"
  | "planes-separate"
  | "saturated"
  | "scale-capped"
  | "unconverged";

/** A warning: a code for programs, a sentence for people. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** Plane of a Z or T stack, from 0. */
  readonly plane?: number;
}

/** Masks that cover more of the image than this are almost full. */
const FULL = 0.9;

/** More paths than this without rest: niter or the diameter is wrong. */
const UNSETTLED = 0.1;

/** Fewer gray levels between the percentiles are little contrast. */
const FEW_LEVELS = 16;

/** So is a range below this share of the larger value. */
const FLAT_SHARE = 0.01;

/** Full scale of cameras of 8 to 16 bits. */
const FULL_SCALES = [8, 10, 11, 12, 13, 14, 15, 16].map((bits) =>
  2 ** bits - 1
);

/** What is known of one channel before the network. */
export interface ChannelRange {
  /** Channel of the image, from 0; "mean" of all. */
  readonly channel: number | "mean";
  /** Values that become 0 and 1. */
  readonly low: number;
  readonly high: number;
  readonly isConstant: boolean;
}

/** Judge the input: contrast and saturation. */
export function judgeInput(
  ranges: readonly ChannelRange[],
  isInteger: boolean,
): Warning[] {
  const warnings: Warning[] = [];
  for (const { channel, low, high, isConstant } of ranges) {
    const name = channel === "mean"
      ? "The mean of the channels"
      : `Channel ${channel + 1}`;
    if (isConstant) {
      warnings.push({
        code: "constant-channel",
        message:
          `${name} has no contrast (${low} to ${high}) and is taken for empty`,
      });
      continue;
    }
    const few = isInteger && high - low < FEW_LEVELS;
    const larger = Math.max(Math.abs(low), Math.abs(high));
    if (few || high - low < FLAT_SHARE * larger) {
      warnings.push({
        code: "low-contrast",
        message:
          `${name} has little contrast: its percentiles are ${low} and ${high}; noise may be taken for cells`,
      });
    }
    if (isInteger && FULL_SCALES.includes(high)) {
      warnings.push({
        code: "saturated",
        message:
          `${name} is saturated: its upper percentile is ${high}, the end of its scale`,
      });
    }
  }
  return warnings;
}

/** Judge what was replaced in the input. */
export function judgePixels(
  { replacedPixels }: { readonly replacedPixels: number },
): Warning[] {
  return replacedPixels === 0 ? [] : [{
    code: "non-finite-pixels",
    message:
      `${replacedPixels} NaN or infinite pixels count as the smallest value`,
  }];
}

/** Facts of a plane's masks. */
export interface MaskFacts {
  readonly count: number;
  readonly pixels: number;
  /** Pixels within masks. */
  readonly covered: number;
  /** Median diameter, pixels; 0 without cells. */
  readonly diameter: number;
  /** Network pixels a pixel. */
  readonly scale: number;
  /** Diameters that the network knows, at its own scale. */
  readonly range: readonly [number, number];
  /** Share of the paths that came to rest; none where not measured. */
  readonly settled?: number | undefined;
  readonly emptyReason?: string | undefined;
}

/** Judge the masks: empty, full, outside the model's range, unconverged. */
export function judgeMasks(facts: MaskFacts): Warning[] {
  const { count, pixels, covered, diameter, scale, range } = facts;
  if (count === 0) {
    return [{
      code: "mask-empty",
      message: `No cell found. ${facts.emptyReason ?? ""}`.trim(),
    }];
  }
  const warnings: Warning[] = [];
  const share = covered / pixels;
  if (share > FULL) {
    warnings.push({
      code: "mask-almost-full",
      message: `Masks cover ${
        (100 * share).toFixed(1)
      } % of the image; check cellprobThreshold and that the image is not inverted`,
    });
  }
  const seen = diameter * scale;
  if (seen < range[0] || seen > range[1]) {
    warnings.push({
      code: "diameter-outside-range",
      message: `The median cell is ${
        seen.toFixed(1)
      } pixels wide to the network, which knows ${range[0]} to ${
        range[1]
      }; set diameter to ${diameter.toFixed(1)} and look again`,
    });
  }
  if (facts.settled !== undefined && 1 - facts.settled > UNSETTLED) {
    warnings.push({
      code: "unconverged",
      message: `${
        (100 * (1 - facts.settled)).toFixed(0)
      } % of the paths did not come to rest; raise niter or set diameter`,
    });
  }
  return warnings;
}

/** What is known of a file's image besides its pixels. */
export interface FileFacts {
  readonly axes: string;
  readonly axesInferred?: boolean;
  readonly fileWarnings?: readonly string[];
}

/** Judge what the file tells of its axes, and what else its decoder said. */
export function judgeAxes(input: FileFacts, depth: number): Warning[] {
  const warnings: Warning[] = [];
  if (input.axesInferred) {
    warnings.push({
      code: "axes-inferred",
      message:
        `The file does not tell its axes; taken for ${input.axes}. Give axes if they are others`,
    });
  }
  for (const message of input.fileWarnings ?? []) {
    // told with a code of its own
    if (/inferred from the shape/.test(message)) continue;
    warnings.push({ code: "file", message });
  }
  if (depth > 1) {
    warnings.push({
      code: "planes-separate",
      message:
        `${depth} planes are segmented in 2-D, each by itself; labels are not linked between them`,
    });
  }
  return warnings;
}
