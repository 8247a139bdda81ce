/**
 * `model.json`: what a folder with a model says about it.
 *
 * The importer writes it, whoever runs the model reads it. Fields that a
 * reader does not know are kept.
 *
 * @module
 */
import { z } from "zod";

/** SHA-256 in lower-case hex. */
const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The families of networks that are run. */
export const FAMILIES = [
  "cellpose-sam",
  "cellpose-dino",
  "cellpose-unet",
  "unet",
  "sam",
] as const;

/** A model's description. */
export const ModelInfo = z.looseObject({
  name: z.string().min(1),
  family: z.enum(FAMILIES),
  /** Edge of the tiles the network takes, or was trained with; pixels. */
  tileSize: z.int().min(16),
  /** Channels the network takes. */
  channels: z.int().min(1),
  /** Planes the network gives; the last three are dY, dX, cellprob. */
  outputs: z.int().min(1),
  /** Diameter of cells that the network knows, pixels. */
  diameter: z.number().positive(),
  /** Diameter of its training cells, pixels: the default where it is set. */
  trainedDiameter: z.number().positive().optional(),
  /** Range of diameters, pixels, that the network was trained on. */
  diameterRange: z.tuple([z.number(), z.number()]).optional(),
  dtype: z.string(),
  licence: z.string(),
  sha256: z.looseObject({ model: Digest, source: Digest.optional() }),
});

/** A model's description, checked. */
export type ModelInfo = z.infer<typeof ModelInfo>;
