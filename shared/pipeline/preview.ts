/**
 * A first look at an image: small, at once, the same at the edge and in the
 * page.
 *
 * @module
 */
import type { DecodedArray } from "../image/decoded.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import type { Encoder } from "./encoder.ts";
import type { SegmentInput } from "./job.ts";
import { segment } from "./segment.ts";
import { shrink } from "./shrink.ts";

/** Small cells are enlarged at most so much; a warning says where it was. */
const MAX_SCALE = 1.5;

/**
 * Segment the middle plane of an image, scaled down where it is large.
 *
 * @param options  parameters in the image's pixels; longest edge, pixels
 * @returns        the small image, and its segmentation in its own pixels
 * @throws         as `segment`
 */
export async function previewImage(
  { core, encoder }: { core: Core; encoder: Encoder },
  input: SegmentInput,
  { parameters, maxEdge }: {
    parameters: SegmentParameters;
    maxEdge: number;
  },
) {
  const small = shrink(core, input, maxEdge);
  const scaled = {
    ...parameters,
    diameter: parameters.diameter === null
      ? null
      : parameters.diameter * small.scale,
    pixelSize: parameters.pixelSize === null
      ? null
      : parameters.pixelSize / small.scale,
    minSize: Math.ceil(parameters.minSize * small.scale ** 2),
    // a plane and its channels are laid out now
    axes: null,
  };
  const result = await segment(small.input, scaled, {
    core,
    encoders: [encoder],
    maxScale: MAX_SCALE,
    confidence: true,
  });
  return { small, result };
}

/** What a file says of its image, as the pipeline takes it. */
export function toInput(decoded: DecodedArray): SegmentInput {
  const { pixelSize, warnings, ...facts } = decoded;
  return {
    ...facts,
    ...(pixelSize ? { pixelSize: Math.sqrt(pixelSize.y * pixelSize.x) } : {}),
    fileWarnings: warnings,
  };
}
