/**
 * Every parameter of a segmentation: default, unit, range, Cellpose's name.
 *
 * The one table: the command line makes its options of it, the service its
 * wire shape and its documentation.
 *
 * @module
 */
import { z } from "zod";

/** One row of the table. */
export interface Parameter {
  readonly schema: z.ZodType;
  /** "" for numbers without a unit and for switches. */
  readonly unit: "px" | "µm" | "µm/px" | "steps" | "";
  /** Words to choose from. */
  readonly choices?: readonly string[];
  /** What Cellpose calls it; none where it has no such parameter. */
  readonly cellpose?: string;
  /** One line. */
  readonly meaning: string;
}

const positive = z.number().positive().finite();
const fraction = z.number().min(0).max(1);

/** A channel: 0 (mean of all, or none), 1, 2, … or a name. */
const Channel = z.union([z.int().min(0), z.string().min(1)]);

const Percentiles = z.tuple([
  z.number().min(0).max(100),
  z.number().min(0).max(100),
]).refine(([low, high]) => low < high, "must be LOW HIGH with LOW < HIGH");

/** Ways from classes to cells. */
const METHODS = ["components", "watershed"] as const;

/** What a watershed floods. */
const LANDSCAPES = ["distance", "probability"] as const;

/** The table; `null` as default: found from the image or the model. */
export const PARAMETERS = {
  diameter: {
    schema: z.number().min(0).finite().nullable().default(null),
    unit: "px",
    cellpose: "diameter",
    meaning:
      "diameter of the cells; the image is scaled to the model's; default, or 0: estimated by the model's size model, else the model's own, or no scaling",
  },
  diameterUm: {
    schema: positive.nullable().default(null),
    unit: "µm",
    meaning: "diameter of the cells; needs a pixel size",
  },
  pixelSize: {
    schema: positive.nullable().default(null),
    unit: "µm/px",
    meaning: "edge of a pixel; default: from the file",
  },
  axes: {
    schema: z.string().regex(/^[TZCYXStzcyxs]+$/, "must be letters of TZCYXS")
      .nullable().default(null),
    unit: "",
    cellpose: "channel_axis, z_axis",
    meaning: "axes of the file, slowest first, as CYX; default: from the file",
  },
  channels: {
    schema: z.array(Channel).min(1).nullable().default(null),
    unit: "",
    cellpose: "channels",
    meaning:
      "channels in the network's order, by number from 1 or by name; 0: mean of all (first), none (others)",
  },
  cellprobThreshold: {
    schema: z.number().finite().default(0),
    unit: "",
    cellpose: "cellprob_threshold",
    meaning: "cells are where the logit is above; lower: more and larger cells",
  },
  flowThreshold: {
    schema: z.number().min(0).finite().default(0.4),
    unit: "",
    cellpose: "flow_threshold",
    meaning: "cells with a larger flow error are dropped; 0: no check",
  },
  niter: {
    schema: z.int().min(0).max(2 ** 30).nullable().default(null),
    unit: "steps",
    cellpose: "niter",
    meaning: "steps along the flows; default 200·diameter/30",
  },
  minSize: {
    schema: z.int().min(-1).max(2 ** 31 - 1).default(15),
    unit: "px",
    cellpose: "min_size",
    meaning: "cells with fewer pixels are dropped",
  },
  maxSizeFraction: {
    schema: fraction.default(0.4),
    unit: "",
    cellpose: "max_size_fraction",
    meaning: "cells that take more of the image are dropped",
  },
  tileOverlap: {
    schema: z.number().min(0.05).max(0.5).default(0.1),
    unit: "",
    cellpose: "tile_overlap",
    meaning: "share of a tile that overlaps the next",
  },
  tileSize: {
    schema: z.int().min(16).max(4096).nullable().default(null),
    unit: "px",
    cellpose: "bsize",
    meaning: "edge of a tile, for networks that take any; default: the model's",
  },
  augment: {
    schema: z.boolean().default(false),
    unit: "",
    cellpose: "augment",
    meaning: "average over flipped, half-overlapping tiles",
  },
  resample: {
    schema: z.boolean().default(true),
    unit: "",
    cellpose: "resample",
    meaning: "find masks at the image's size, not at the network's",
  },
  excludeOnEdges: {
    schema: z.boolean().default(false),
    unit: "",
    cellpose: "exclude_on_edges",
    meaning: "drop cells that touch an edge of the image",
  },
  normalize: {
    schema: z.boolean().default(true),
    unit: "",
    cellpose: "normalize",
    meaning: "scale each channel by its percentiles",
  },
  normPercentile: {
    schema: Percentiles.default([1, 99]),
    unit: "",
    cellpose: "norm_percentile",
    meaning: "percentiles that become 0 and 1",
  },
  smoothRadius: {
    schema: z.number().min(0).max(1000).default(0),
    unit: "px",
    cellpose: "smooth_radius",
    meaning: "deviation of a Gaussian before the percentiles; 0: none",
  },
  sharpenRadius: {
    schema: z.number().min(0).max(1000).default(0),
    unit: "px",
    cellpose: "sharpen_radius",
    meaning:
      "deviation of the surround that is subtracted before them; 0: none",
  },
  tileNormBlocksize: {
    schema: z.int().min(0).max(2 ** 20).default(0),
    unit: "px",
    cellpose: "tile_norm_blocksize",
    meaning: "edge of blocks with percentiles of their own; 0: one for all",
  },
  invert: {
    schema: z.boolean().default(false),
    unit: "",
    cellpose: "invert",
    meaning: "dark cells on bright ground",
  },
  skipEmptyTiles: {
    schema: z.boolean().default(false),
    unit: "",
    meaning: "do not run the network on tiles without contrast",
  },
  semanticMethod: {
    schema: z.enum(METHODS).default("components"),
    choices: METHODS,
    unit: "",
    meaning:
      "of networks without flows: cells are connected components, or split by a watershed",
  },
  foregroundClass: {
    schema: z.int().min(0).nullable().default(null),
    unit: "",
    meaning:
      "of networks without flows: the class of cells, from 0; default: all but the first",
  },
  watershedOn: {
    schema: z.enum(LANDSCAPES).default("distance"),
    choices: LANDSCAPES,
    unit: "",
    meaning:
      "what a watershed floods: the distance to the background, or the logit",
  },
  watershedRise: {
    schema: positive.default(1),
    unit: "",
    meaning:
      "a watershed's maximum that rises less above its neighbor is no cell of its own; pixels of distance, or of the logit",
  },
  parity: {
    schema: z.boolean().default(true),
    unit: "",
    meaning:
      "masks as the model's own program finds them (Cellpose 4.2.1.1, 3.1); else by our rules for paths, touching and nested cells",
  },
} as const satisfies Record<string, Parameter>;

/** Name of a parameter. */
export type ParameterName = keyof typeof PARAMETERS;

type Table = typeof PARAMETERS;
type Shape = { [Name in ParameterName]: Table[Name]["schema"] };

/** All parameters; what is left out gets its default. */
export const SegmentParameters = z.strictObject(
  Object.fromEntries(
    Object.entries(PARAMETERS).map(([name, { schema }]) => [name, schema]),
  ) as Shape,
);

/** Parameters with their defaults filled in. */
export type SegmentParameters = z.infer<typeof SegmentParameters>;

/** Parameters as a caller gives them. */
export type SegmentOptions = z.input<typeof SegmentParameters>;

/** What a volume would need; refused, with the reason, unless it is `off`. */
export const REFUSED = {
  do3D: {
    cellpose: "do_3D",
    off: "false",
    reason: "3-D segmentation is not there yet; planes are segmented in 2-D",
  },
  stitchThreshold: {
    cellpose: "stitch_threshold",
    off: "0",
    reason: "planes are not stitched yet; each has labels of its own",
  },
  anisotropy: {
    cellpose: "anisotropy",
    off: "1",
    reason: "it has a meaning in 3-D only, which is not there yet",
  },
} as const;
