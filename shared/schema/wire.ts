/**
 * What goes over the wire of the service: requests and answers of `/v1`.
 *
 * The same schemas validate, document (OpenAPI) and type the client. One file
 * although long: it is read as the table of the interface.
 *
 * @module
 */
import { z } from "zod";
import { OUTPUT_KINDS, type OutputName } from "./output_kinds.ts";
import { SegmentParameters } from "./parameters.ts";
import { TrainingSettings } from "./tasks.ts";

/** Names of jobs, uploads and models: safe in a URL and in a key. */
export const Id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** SHA-256, lower-case hex. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Milliseconds = z.number().min(0);

const Sized = z.object({ height: z.int(), width: z.int() });

/** A kind of output. */
export const OutputKind = z.enum(
  Object.keys(OUTPUT_KINDS) as [OutputName, ...OutputName[]],
).meta({ id: "OutputKind" });

/** Parameters as a client gives them; the document shows their defaults. */
export const Parameters = SegmentParameters.meta({ id: "Parameters" });

/** Something that may be wrong with a result. */
export const Warning = z.object({
  code: z.string(),
  message: z.string(),
  plane: z.int().optional(),
}).meta({ id: "Warning" });

/** A call to make without a key. */
export const SignedCall = z.object({
  method: z.enum(["GET", "PUT"]),
  url: z.string(),
  /** Send exactly these. */
  headers: z.record(z.string(), z.string()),
  expires: z.iso.datetime(),
}).meta({ id: "SignedCall" });

/** Largest single PUT, bytes; larger files come in parts. */
export const MAX_SINGLE_PUT = 100 * 2 ** 20;

/** Folders among the uploads of a tenant, as `plate-1/day-2`. */
export const Folder = z.string()
  .regex(
    /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,4}\/?$/,
  )
  .transform((folder) => folder.replace(/\/$/, ""));

/** What a file is before it is sent. */
export const UploadRequest = z.strictObject({
  /** File name; its ending is a hint only. */
  name: z.string().min(1).max(200),
  bytes: z.int().min(1).max(2 ** 40),
  mediaType: z.string().regex(/^[\w.+-]+\/[\w.+-]+$/).max(100)
    .default("application/octet-stream"),
  /** Of the whole file. */
  sha256: Sha256,
  /** Folder among the uploads; a job may take all that is in it. */
  folder: Folder.optional(),
}).meta({ id: "UploadRequest" });

/** An upload: where to send it, or that it is there. */
export const Upload = z.object({
  id: Id,
  name: z.string(),
  bytes: z.int(),
  mediaType: z.string(),
  sha256: Sha256,
  state: z.enum(["waiting", "stored"]),
  created: z.iso.datetime(),
  /** For files up to 100 MiB. */
  put: SignedCall.optional(),
  /** For larger files: PUT each part, then POST complete. */
  multipart: z.object({
    partBytes: z.int(),
    parts: z.int(),
    /** Numbers that have arrived. */
    received: z.array(z.int()),
  }).optional(),
  /** Where to get it, once it is stored. */
  get: SignedCall.optional(),
}).meta({ id: "Upload" });

/** A part that is about to be sent. */
export const PartRequest = z.strictObject({
  number: z.int().min(1).max(10_000),
  sha256: Sha256,
}).meta({ id: "PartRequest" });

/** How a preview answers. */
export const PreviewOptions = z.strictObject({
  parameters: Parameters.default(SegmentParameters.parse({})),
  /** Longest edge that the network sees, pixels. */
  maxEdge: z.int().min(64).max(1024).default(1024),
  masks: z.enum(["png", "rle", "none"]).default("png"),
  outlines: z.boolean().default(true),
  /** Also answer with what the network gave, for masks with other thresholds. */
  network: z.boolean().default(false),
}).meta({ id: "PreviewOptions" });

/** (y, x), pixels of the image. */
const Place = z.tuple([z.number(), z.number()]);

/** Which cell of an uploaded image is meant: points, a box, or both. */
export const PromptRequest = z.strictObject({
  upload: Id,
  /** Of a stack. */
  plane: z.int().min(0).default(0),
  /** Within the cell. */
  points: z.array(Place).max(100).default([]),
  /** Outside of it. */
  negativePoints: z.array(Place).max(100).default([]),
  /** y0, x0, y1, x1 around it. */
  box: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
}).meta({ id: "PromptRequest" });

/** A preview of an uploaded image. */
export const PreviewRequest = PreviewOptions.extend({ upload: Id })
  .meta({ id: "PreviewRequest" });

/** A cell of a result. */
export const Cell = z.object({
  label: z.int(),
  /** Pixels. */
  area: z.number(),
  /** (y, x), pixels. */
  centroid: z.tuple([z.number(), z.number()]),
  /** Pixels, of the circle of the same area. */
  diameter: z.number(),
  /** 0–1: from probability, flow error and paths at rest. */
  confidence: z.number().nullable(),
}).meta({ id: "Cell" });

/** Masks, as text. */
export const WireMasks = z.discriminatedUnion("format", [
  /** 16-bit gray PNG, base64. */
  z.object({ format: z.literal("png"), size: Sized, data: z.string() }),
  /** COCO's JSON with run lengths. */
  z.object({ format: z.literal("rle"), size: Sized, data: z.string() }),
  z.object({ format: z.literal("none"), size: Sized }),
]).meta({ id: "WireMasks" });

/** What a model is. */
export const Model = z.object({
  id: z.string(),
  name: z.string(),
  family: z.string(),
  sha256: Sha256,
  precision: z.string(),
  licence: z.string().nullable(),
  /** Pixels: what images are scaled to. */
  diameter: z.number(),
  isDefault: z.boolean(),
}).meta({ id: "Model" });

/** The cell that a prompt meant. */
export const PromptedCell = z.object({
  size: Sized,
  /** Pixels of the cell in raster order: first pixel, length, and so on. */
  runs: z.array(z.int().min(0)),
  area: z.int(),
  /** IoU that the network expects, 0–1. */
  score: z.number(),
  model: Model,
  warnings: z.array(Warning),
  timings: z.record(z.string(), Milliseconds),
}).meta({ id: "PromptedCell" });

/** Models that can be asked for. */
export const Models = z.object({
  /** The shipped one, then yours, the newest first. */
  models: z.array(Model),
  /** The one that answers prompts, where one is loaded. */
  prompted: Model.optional(),
}).meta({ id: "Models" });

/** A checkpoint, or a zip of a model's folder, that becomes a model. */
export const ModelRequest = z.strictObject({
  /** The file. */
  upload: Id,
  /** Default: the file's name. */
  name: z.string().min(1).max(200).optional(),
  /** Of the weights; goes with every result. */
  licence: z.string().min(1).max(200).optional(),
  precision: z.enum(["fp32", "fp16", "bf16", "int8"]).default("fp32"),
  /** Upload of a Cellpose size model, for the family that has them. */
  sizeModel: Id.optional(),
}).meta({ id: "ModelRequest" });

const TaskState = z.enum([
  "queued",
  "running",
  "succeeded",
  "failed",
  "cancelled",
]);

const TaskTimes = {
  state: TaskState,
  created: z.iso.datetime(),
  started: z.iso.datetime().nullable(),
  finished: z.iso.datetime().nullable(),
  /** Why it failed. */
  error: z.string().nullable(),
};

/** A model of a tenant, ready or on its way. */
export const TenantModel = z.object({
  /** What `model` of a job takes. */
  id: Id,
  name: z.string(),
  from: z.enum(["import", "training"]),
  ...TaskTimes,
  /** Once it is ready. */
  model: z.union([Model, z.null()]),
}).meta({ id: "TenantModel" });

/** Labelled images that a model is tuned on. */
export const TrainingRequest = z.strictObject({
  images: z.array(z.strictObject({
    upload: Id,
    /** Upload of its labels: any label format. */
    labels: Id,
  })).min(1).max(2000),
  /** Id of the model that is tuned; default: the shipped one. */
  model: Id.default("default"),
  name: z.string().min(1).max(200).default("tuned"),
  /** Of the tuned weights; default: the parent's. */
  licence: z.string().min(1).max(200).optional(),
  settings: TrainingSettings.default(TrainingSettings.parse({})),
}).meta({ id: "TrainingRequest" });

/** A training as its owner sees it. */
export const Training = z.object({
  /** Also that of the tuned model, if it is adopted. */
  id: Id,
  name: z.string(),
  parent: z.string(),
  ...TaskTimes,
  /** When it has succeeded. */
  report: z.object({
    /** Held-out images say that the tuned model is not worse. */
    isAdopted: z.boolean(),
    reason: z.string(),
    /** AP at IoU 0.5 on held-out images. */
    ap: z.object({
      parent: z.number().nullable(),
      tuned: z.number().nullable(),
    }),
    heldOut: z.int(),
    images: z.int(),
    cells: z.int(),
    leftOut: z.array(z.object({
      name: z.string(),
      fault: z.string(),
      detail: z.string(),
    })),
    steps: z.int(),
    seconds: z.number(),
  }).nullable(),
  /** The tuned model, if it is adopted. */
  model: z.union([Model, z.null()]),
}).meta({ id: "Training" });

/** Masks at once, from the small model at the edge. */
export const Preview = z.object({
  id: z.string(),
  /** Of the image that came. */
  size: Sized,
  /** Preview pixels a pixel of the image. */
  scale: z.number(),
  count: z.int(),
  masks: WireMasks,
  /** Rings of each cell, (y, x) in the image's pixels. */
  outlines: z.array(z.object({
    label: z.int(),
    points: z.array(z.tuple([z.number(), z.number()])),
  })),
  cells: z.array(Cell),
  emptyReason: z.string().optional(),
  warnings: z.array(Warning),
  model: Model,
  diameter: z.number().nullable(),
  diameterFrom: z.string(),
  network: z.object({
    size: Sized,
    /** Steps that the masks took. */
    niter: z.int(),
    /** dY, dX (unit scale), cell probability: 3×H×W f32, as NPY, base64. */
    data: z.string(),
  }).optional(),
  timings: z.record(z.string(), Milliseconds),
}).meta({ id: "Preview" });

/** One image of a job, or a folder of them. */
export const JobImage = z.union([
  z.strictObject({ upload: Id }),
  /** All uploads in a folder, and in folders within it, as they are now. */
  z.strictObject({ prefix: Folder }),
  /** Fetched by the worker; hosts must be allowed by the service. */
  z.strictObject({ url: z.url().max(2000) }),
]).meta({ id: "JobImage" });

/** Work to be done in the background. */
export const JobRequest = z.strictObject({
  images: z.array(JobImage).min(1).max(10_000),
  parameters: Parameters.default(SegmentParameters.parse({})),
  /** Id of a model; default: the shipped one. */
  model: Id.optional(),
  outputs: z.array(OutputKind).min(1).default(["tif"]),
  /** POSTed when the job ends; needs an allowed host. */
  webhook: z.url().max(2000).optional(),
  /** Answer with a quote; nothing is queued. */
  dryRun: z.boolean().default(false),
}).meta({ id: "JobRequest" });

/** What a job would take. */
export const Quote = z.object({
  images: z.int(),
  pixels: z.number(),
  tiles: z.number(),
  gpuSeconds: z.number(),
  price: z.number(),
  currency: z.string(),
  /** Images whose result is known and costs nothing. */
  cached: z.int(),
}).meta({ id: "Quote" });

/** States of a job; the last three are final. */
export const JOB_STATES = [
  "queued",
  "running",
  "succeeded",
  "failed",
  "cancelled",
] as const;

/** State of a job. */
export const JobState = z.enum(JOB_STATES);

/** A job as its owner sees it. */
export const Job = z.object({
  id: Id,
  state: JobState,
  created: z.iso.datetime(),
  started: z.iso.datetime().nullable(),
  finished: z.iso.datetime().nullable(),
  images: z.object({
    total: z.int(),
    succeeded: z.int(),
    failed: z.int(),
    cancelled: z.int(),
  }),
  /** Of the tiles of images that have begun. */
  progress: z.object({ done: z.int(), total: z.int() }),
  /** Seconds left, where it can be told. */
  eta: z.number().nullable(),
  cost: z.object({
    gpuSeconds: z.number(),
    price: z.number(),
    currency: z.string(),
  }),
  quote: Quote,
  model: z.string(),
  /** Why it failed. */
  error: z.string().nullable(),
}).meta({ id: "Job" });

/** A result of one image. */
export const ImageResult = z.object({
  index: z.int(),
  /** Among the uploads: an id, or a folder's path and id; null for URLs. */
  upload: z.string().nullable(),
  url: z.string().nullable(),
  name: z.string(),
  state: JobState,
  error: z.string().nullable(),
  /** Same input, model, parameters and core: same id. */
  result: Sha256.nullable(),
  count: z.int().nullable(),
  /** File name → where to get it. */
  files: z.record(z.string(), SignedCall),
}).meta({ id: "ImageResult" });

/** Results of a job, a page at a time. */
export const Results = z.object({
  job: Id,
  state: JobState,
  images: z.array(ImageResult),
  /** Pass as `after`; null on the last page. */
  next: z.int().nullable(),
}).meta({ id: "Results" });

/** Masks again, from kept flows. */
export const MasksRequest = z.strictObject({
  image: z.int().min(0).default(0),
  cellprobThreshold: z.number().optional(),
  flowThreshold: z.number().min(0).optional(),
  niter: z.int().min(1).max(10_000).optional(),
  minSize: z.int().min(-1).optional(),
  maxSizeFraction: z.number().min(0).max(1).optional(),
  excludeOnEdges: z.boolean().optional(),
  masks: z.enum(["png", "rle", "none"]).default("png"),
}).meta({ id: "MasksRequest" });

/** Masks of kept flows. */
export const RecomputedMasks = z.object({
  image: z.int(),
  count: z.int(),
  masks: WireMasks,
  cells: z.array(Cell),
  emptyReason: z.string().optional(),
  parameters: Parameters,
  timings: z.record(z.string(), Milliseconds),
}).meta({ id: "RecomputedMasks" });

/** An event of a job's stream, as its fields come over the wire. */
export const StreamedEvent = z.object({
  /** Send it as `last-event-id` to resume. */
  id: z.string().regex(/^\d+$/),
  /** "state", "progress", "image". */
  event: z.string(),
  /** JSON. */
  data: z.string(),
}).meta({ id: "StreamedEvent" });

/** Uses of a day. */
export const Usage = z.object({
  days: z.array(z.object({
    /** UTC, as 2030-01-31. */
    day: z.string(),
    key: z.string(),
    bytes: z.number(),
    pixels: z.number(),
    tiles: z.number(),
    gpuSeconds: z.number(),
    price: z.number(),
    previews: z.number(),
    images: z.number(),
  })),
  currency: z.string(),
}).meta({ id: "Usage" });

const Counted = {
  threshold: z.number(),
  tp: z.int(),
  fp: z.int(),
  fn: z.int(),
  ap: z.number(),
};

/** Scores of one pair of label images, or of all together. */
const SharedScores = {
  cells: z.object({ truth: z.int(), prediction: z.int() }),
  precision: z.array(z.object(Counted)),
  aji: z.array(z.object({ kind: z.string(), aji: z.number() })),
};

/** Scores of one image. */
export const ImageScores = z.object({
  name: z.string(),
  ...SharedScores,
  meanIou: z.number(),
  panoptic: z.object({
    pq: z.number(),
    sq: z.number(),
    rq: z.number(),
    tp: z.int(),
    fp: z.int(),
    fn: z.int(),
  }),
  /** Empty for volumes. */
  boundary: z.array(z.object({
    scale: z.number(),
    precision: z.number(),
    recall: z.number(),
    f: z.number(),
  })),
  recallBySize: z.array(z.object({
    minArea: z.number(),
    /** null: no upper end. */
    maxArea: z.number().nullable(),
    cells: z.int(),
    found: z.int(),
    /** null: no cell of this size. */
    recall: z.number().nullable(),
  })),
  errors: z.object({
    splits: z.array(z.unknown()),
    merges: z.array(z.unknown()),
    misses: z.array(z.int()),
    spurious: z.array(z.int()),
  }),
}).meta({ id: "ImageScores" });

/** Scores of several images. */
export const Scores = z.object({
  images: z.array(ImageScores),
  total: z.object({
    ...SharedScores,
    meanPrecision: z.array(z.object({ threshold: z.number(), ap: z.number() })),
    panoptic: z.object({ pq: z.number(), sq: z.number(), rq: z.number() }),
    boundary: z.array(z.object({ scale: z.number(), f: z.number() })),
  }),
}).meta({ id: "Scores" });

/** A file of a form, in the document's words. */
export const BINARY = { type: "string", format: "binary" } as const;

const WireFile = z.file().meta(BINARY);

/** Files to be scored: the k-th prediction belongs to the k-th truth. */
export const ScoreForm = z.object({
  truth: z.union([WireFile, z.array(WireFile).min(1)])
    .describe("true masks: TIFF, PNG, NPY, _seg.npy, ROI zip, GeoJSON or COCO"),
  prediction: z.union([WireFile, z.array(WireFile).min(1)])
    .describe("predicted masks, as many, in the same order"),
  thresholds: z.string().optional()
    .describe("IoU thresholds, as 0.5,0.75,0.9"),
}).meta({ id: "ScoreForm" });
