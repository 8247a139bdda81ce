/**
 * How much an image is scaled for the network, and what follows from it.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import type { ModelInfo } from "../schema/model.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Warning } from "./warnings.ts";

/** Steps along the flows at the model's own scale: Cellpose's. */
const NITER = 200;

/** Scale of an image. */
export interface Scale {
  /** Diameter used, pixels; `null`: no scaling. */
  readonly diameter: number | null;
  /** Where it is from. */
  readonly diameterFrom:
    | "given"
    | "given in µm"
    | "estimated by the size model"
    | "model"
    | "none";
  /** Network pixels a pixel. */
  readonly scale: number;
  readonly size: Size2D;
  readonly niter: number;
}

/**
 * Decide the scale: the model's diameter over the cells'.
 *
 * @param size        the image
 * @param model       the diameter it knows, and that of its training cells
 * @param parameters  diameter, niter, resample
 * @param pixelSize   µm a pixel, where known
 * @param estimated   diameter by the model's size model, pixels
 * @throws {ArgumentError} for µm without a pixel size, or an image that
 *                         would vanish
 *
 * Source: cellpose 4.2.1.1 `eval`, `_run_net`; 3.1 `eval` for U-Nets
 * (`diam_labels`).
 * Differs: nothing.
 */
export function decideScale(
  size: Size2D,
  model: Pick<ModelInfo, "diameter" | "trainedDiameter">,
  parameters: Pick<
    SegmentParameters,
    "diameter" | "diameterUm" | "niter" | "resample"
  >,
  pixelSize: number | null,
  estimated?: number,
): Scale {
  const { diameter, diameterFrom } = estimated === undefined
    ? decideDiameter(model, parameters, pixelSize)
    : {
      diameter: estimated,
      diameterFrom: "estimated by the size model" as const,
    };
  const scale = diameter === null ? 1 : model.diameter / diameter;
  const scaled = {
    height: Math.trunc(size.height * scale),
    width: Math.trunc(size.width * scale),
  };
  if (scaled.height < 1 || scaled.width < 1) {
    throw new ArgumentError(
      "diameter",
      `${diameter} scales ${size.height}×${size.width} pixels to nothing`,
    );
  }
  const niter = parameters.niter ||
    Math.trunc(NITER / (parameters.resample ? scale : 1));
  return { diameter, diameterFrom, scale, size: scaled, niter };
}

/**
 * Keep an image from being enlarged more than so many times: small cells are
 * seen smaller than the network knows best, which is said.
 *
 * @param wanted  by `decideScale`
 * @returns       the same scale where it is not above
 */
export function capScale(
  size: Size2D,
  wanted: Scale,
  { maxScale, niter }: {
    readonly maxScale: number;
    /** Asked for; `null`: by the scale. */
    readonly niter: number | null;
  },
): { scale: Scale; warnings: Warning[] } {
  if (wanted.scale <= maxScale) return { scale: wanted, warnings: [] };
  const scale = {
    ...wanted,
    scale: maxScale,
    size: {
      height: Math.trunc(size.height * maxScale),
      width: Math.trunc(size.width * maxScale),
    },
    niter: niter ||
      Math.round(wanted.niter * wanted.scale / maxScale),
  };
  const message = `Cells of ${wanted.diameter} pixels call for ${
    wanted.scale.toFixed(2)
  } times the image; it is enlarged ${maxScale} times only, and small cells may be missed`;
  return { scale, warnings: [{ code: "scale-capped", message }] };
}

function decideDiameter(
  model: Pick<ModelInfo, "trainedDiameter">,
  { diameter, diameterUm }: Pick<SegmentParameters, "diameter" | "diameterUm">,
  pixelSize: number | null,
): Pick<Scale, "diameter" | "diameterFrom"> {
  if (diameterUm !== null) {
    if (diameter) {
      throw new ArgumentError("diameterUm", "excludes diameter; give one");
    }
    if (pixelSize === null) {
      throw new ArgumentError(
        "diameterUm",
        "needs the pixel size, which the file does not tell; give pixelSize",
      );
    }
    return { diameter: diameterUm / pixelSize, diameterFrom: "given in µm" };
  }
  // 0 asks for the model's choice, as in Cellpose
  if (diameter) return { diameter, diameterFrom: "given" };
  const { trainedDiameter } = model;
  return trainedDiameter === undefined
    ? { diameter: null, diameterFrom: "none" }
    : { diameter: trainedDiameter, diameterFrom: "model" };
}
