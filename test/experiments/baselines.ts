/**
 * Methods that a model is compared with: Otsu and watershed, and a plain
 * U-Net whose cells are what hangs together.
 *
 * @module
 */
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import type { LabelledImage } from "./labelled_images.ts";
import { otsuWatershed } from "./otsu_watershed.ts";

/** Smaller pieces are dropped, as the pipeline drops them, pixels. */
const LEAST_AREA = 15;

/** Masks of an image by some method. */
export interface Found {
  readonly masks: Uint32Array;
  /** Diameter used, pixels; `null`: none. */
  readonly diameter: number | null;
}

/** A method, from an image to masks. */
export type ImageMethod = (image: LabelledImage) => Promise<Found>;

/** Otsu's threshold and a watershed, on the channel that it parts best. */
export function classical(): ImageMethod {
  return (image) => {
    const masks = otsuWatershed(toInterleaved(image), image.size);
    return Promise.resolve({ masks, diameter: null });
  };
}

/**
 * A plain U-Net's probability above one half: pieces, or pieces parted by the
 * watershed of their distances.
 *
 * @param encoder    one plane, the logit
 * @param diameters  of each image, as the model it is compared with has them
 */
export function plainNetwork(
  core: Core,
  encoder: Encoder,
  { diameters, split }: {
    diameters: ReadonlyMap<string, number | null>;
    split: "pieces" | "watershed";
  },
): ImageMethod {
  const flows = withoutFlows(encoder);
  return async (image) => {
    const diameter = diameters.get(image.name) ?? null;
    // no flows to follow: only the blended probability is used
    const parameters = SegmentParameters.parse({
      diameter,
      niter: 1,
      flowThreshold: 0,
    });
    const deps = { core, encoders: [flows] };
    const { planes: [{ cellprob }] } = await segment(image, parameters, deps);
    const { masks } = split === "watershed"
      ? core.watershed(cellprob, image.size)
      : core.labelComponents(cellprob, image.size);
    const cleaned = core.fillHolesAndRemoveSmall(masks, image.size, {
      minSize: LEAST_AREA,
    });
    return { masks: cleaned.masks as Uint32Array, diameter };
  };
}

/** The same network with planes of flows that are zero. */
export function withoutFlows(encoder: Encoder): Encoder {
  return {
    ...encoder,
    model: { ...encoder.model, family: "cytoedge", outputs: 3 },
    async encode(batch) {
      const { outputs } = await encoder.encode(batch);
      const pixels = batch.height * batch.width;
      const padded = new Float32Array(3 * batch.count * pixels);
      for (let n = 0; n < batch.count; n++) {
        const plane = outputs.subarray(n * pixels, (n + 1) * pixels);
        padded.set(plane, (3 * n + 2) * pixels);
      }
      return { outputs: padded };
    },
  };
}

function toInterleaved(
  { data, axes, size }: LabelledImage,
): ArrayLike<number> {
  const pixels = size.height * size.width;
  const channels = data.length / pixels;
  if (channels === 1 || axes.endsWith("C")) return data;
  return Float32Array.from(
    data,
    (_, i) => data[(i % channels) * pixels + Math.floor(i / channels)],
  );
}
