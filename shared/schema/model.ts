/**
 * `model.json`: what a folder with a model says about it.
 *
 * The importer writes it, whoever runs the model reads it. Fields that a
 * reader does not need are kept as they are.
 *
 * @module
 */
import { z } from "zod";

/** SHA-256 in lower-case hex. */
const Digest = z.string().regex(/^[0-9a-f]{64}$/);

const ModelFile = z.looseObject({
  name: z.string().regex(/^[\w.-]+$/, "must be a file name without folders"),
  bytes: z.int().min(1),
  sha256: Digest,
});

const Port = z.looseObject({
  name: z.string(),
  shape: z.array(z.union([z.string(), z.int()])),
});

/** What is read of `model.json`. */
export const ModelJson = z.looseObject({
  format: z.literal(1),
  family: z.string(),
  /** One network, or several that work together. */
  networks: z.array(z.looseObject({
    name: z.string(),
    /** The graph first, then its data file if it has one. */
    files: z.array(ModelFile).min(1),
    inputs: z.array(Port).min(1),
    outputs: z.array(Port).min(1),
    /** Constants that tuning leaves as they are. */
    fixed: z.array(z.string()).optional(),
  })).min(1),
  tile: z.looseObject({
    height: z.int().min(16),
    width: z.int().min(16),
    isFixed: z.boolean(),
    multiple: z.int().min(1).optional(),
  }),
  channels: z.looseObject({ input: z.int().min(1), output: z.int().min(1) }),
  /** Pixels. */
  diameter: z.looseObject({
    mean: z.number().positive(),
    labels: z.number().positive(),
    /** Smallest and largest that it knows at its own scale. */
    range: z.tuple([z.number().positive(), z.number().positive()]).optional(),
    /** What looks at images tell: see `pipeline/look_table.ts`. */
    looks: z.object({
      style: z.array(z.string()).readonly(),
      cells: z.array(z.string()).readonly(),
    })
      .optional(),
  }).nullable(),
  precision: z.string(),
  /** Digest of the written files: the model's identity. */
  sha256: Digest,
  licence: z.string().nullable(),
});

/** What is read of `model.json`. */
export type ModelJson = z.infer<typeof ModelJson>;

/** The families of networks, as `model.json` spells them. */
export const FAMILIES = [
  "cellpose-sam",
  "cellpose-dino",
  "cellpose-unet",
  "cytoedge",
  "unet",
  "sam",
] as const;

/** A model as the pipeline sees it. */
export interface ModelInfo {
  readonly name: string;
  readonly family: typeof FAMILIES[number];
  /** Edge of the tiles that the network takes; pixels. */
  readonly tileSize: number;
  /** Edges of other tiles are multiples of this; default 1. */
  readonly tileMultiple?: number;
  /** Channels that the network takes. */
  readonly channels: number;
  /** Planes that it gives; the last three are dY, dX, cellprob. */
  readonly outputs: number;
  /** Diameter of cells that images are scaled to, pixels. */
  readonly diameter: number;
  /** Diameter of an image's cells without a choice; none: no scaling. */
  readonly trainedDiameter?: number;
  /** Its style is a diameter, pixels of its input. */
  readonly tellsDiameter?: boolean;
  /** How often such a diameter, and the cells seen, are right. */
  readonly looks?: NonNullable<ModelJson["diameter"]>["looks"];
  /** Diameters that it knows at its own scale; default ¼ to 4 times its own. */
  readonly diameterRange?: readonly [number, number];
  /** Precision of its products: "fp32", "bf16", … */
  readonly precision: string;
  /** Of the weights; `null`: unknown. */
  readonly licence: string | null;
}

/** Cellpose's diameter, for models that have none. */
const DIAMETER = 30;

/**
 * Read a model's description.
 *
 * @param json  the parsed `model.json`
 * @param name  what to call the model
 * @returns     both forms; `undefined` for a family that is not known
 *
 * Source: cellpose 4.2.1.1 scales by a given diameter only; 3.1 takes
 * `diam_labels` where none is given.
 */
export function describeModel(
  json: ModelJson,
  name: string,
): ModelInfo | undefined {
  const spelled = json.family.replaceAll("_", "-");
  const family = FAMILIES.find((each) => each === spelled);
  if (family === undefined) return undefined;
  const { diameter, tile, channels, precision, licence, networks } = json;
  return {
    name,
    family,
    tileSize: Math.max(tile.height, tile.width),
    ...(tile.multiple === undefined ? {} : { tileMultiple: tile.multiple }),
    channels: channels.input,
    outputs: channels.output,
    diameter: diameter?.mean ?? DIAMETER,
    ...(family === "cellpose-unet" && diameter
      ? { trainedDiameter: diameter.labels }
      : {}),
    ...(diameter?.range ? { diameterRange: diameter.range } : {}),
    ...(diameter?.looks ? { looks: diameter.looks } : {}),
    ...(family === "cytoedge" &&
        networks[0].outputs.some(({ name }) => name === "style")
      ? { tellsDiameter: true }
      : {}),
    precision,
    licence,
  };
}
