/**
 * Results as they go over the wire: masks, cells, outlines, models.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { z } from "zod";
import { encodeCoco } from "../shared/image/coco.ts";
import { encodeLabelPng } from "../shared/image/labels.ts";
import { encodeNpy } from "../shared/image/npy.ts";
import { groupRings } from "../shared/image/rings.ts";
import type { Size2D } from "../shared/ndarray.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { TaskRecord } from "../shared/queue/tasks.ts";
import type { SignedRequest } from "../shared/storage/types.ts";
import type { StoredModel } from "../shared/schema/tasks.ts";
import type { Cell, Model, WireMasks } from "../shared/schema/wire.ts";
import type { Core, Regions } from "../wasm/mod.ts";

/** Most labels that a 16-bit PNG holds. */
const MAX_PNG = 65535;

/** Masks as text, in the form that was asked for. */
export function presentMasks(
  plane: { masks: Uint32Array; size: Size2D; count: number },
  format: "png" | "rle" | "none",
): z.infer<typeof WireMasks> {
  const { masks, size, count } = plane;
  const wire = { height: size.height, width: size.width };
  if (format === "none") return { format, size: wire };
  if (format === "rle" || count > MAX_PNG) {
    return { format: "rle", size: wire, data: encodeCoco({ masks, size }, "") };
  }
  const png = encodeLabelPng({ masks, size });
  return {
    format: "png",
    size: wire,
    data: Buffer.from(png).toString("base64"),
  };
}

/**
 * Cells of a result.
 *
 * @param scale  pixels of the result a pixel of the image
 */
export function presentCells(
  cells: Regions,
  confidence: Float32Array | undefined,
  scale: number,
): z.infer<typeof Cell>[] {
  return Array.from(cells.label, (label, k) => ({
    label,
    area: cells.area[k] / (scale * scale),
    centroid: [
      toImage(cells.centroid[2 * k], scale),
      toImage(cells.centroid[2 * k + 1], scale),
    ] as [number, number],
    diameter: cells.diameter[k] / scale,
    confidence: confidence?.[k] ?? null,
  }));
}

/** Outer rings of the cells, (y, x) in pixels of the image. */
export function presentOutlines(
  core: Core,
  { masks, size }: { masks: Uint32Array; size: Size2D },
  scale: number,
) {
  const rings = core.traceContours(masks, size, { holes: false });
  return groupRings(rings).map(({ label, polygons }) => ({
    label,
    points: (polygons[0]?.[0] ?? []).map(([x, y]): [number, number] => [
      y / scale,
      x / scale,
    ]),
  }));
}

/** Id of the model that comes with the service. */
export const DEFAULT_MODEL = "default";

/** What the network gave, as a job keeps it. */
export function presentNetwork(
  { flows, cellprob, flowsSize }: {
    flows: Float32Array;
    cellprob: Float32Array;
    flowsSize: Size2D;
  },
  niter: number,
) {
  const { height, width } = flowsSize;
  const network = new Float32Array(3 * height * width);
  network.set(flows);
  network.set(cellprob, 2 * height * width);
  const npy = encodeNpy(network, [3, height, width]);
  return {
    size: { height, width },
    niter,
    data: Buffer.from(npy).toString("base64"),
  };
}

/** What a model is. */
export function presentModel(
  { model, digest }: Pick<Encoder, "model" | "digest">,
  isDefault: boolean,
): z.infer<typeof Model> {
  const { name, family, precision, licence, diameter } = model;
  return {
    id: isDefault ? DEFAULT_MODEL : digest,
    name,
    family,
    sha256: digest,
    precision,
    licence,
    diameter,
    isDefault,
  };
}

/** What a model of a tenant is. */
export function presentStored(
  id: string,
  { digest, files: _, ...model }: StoredModel,
): z.infer<typeof Model> {
  return { id, ...model, sha256: digest, isDefault: false };
}

/** State and times of a job or a task. */
export function presentTimes(
  task: Pick<
    TaskRecord,
    "state" | "created" | "started" | "finished" | "error"
  >,
) {
  const toIso = (ms: number) => new Date(ms).toISOString();
  const { state, created, started, finished, error } = task;
  return {
    state,
    created: toIso(created),
    started: started === null ? null : toIso(started),
    finished: finished === null ? null : toIso(finished),
    error,
  };
}

/**
 * A signed request as it is told.
 *
 * @param base  what paths are completed with: the URL that was asked
 */
export function toSignedCall(signed: SignedRequest, base: string) {
  const { method, url, headers, expiresMs } = signed;
  return {
    method,
    url: new URL(url, base).href,
    headers: { ...headers },
    expires: new Date(expiresMs).toISOString(),
  };
}

/** Pixel centers are at integers in both. */
function toImage(at: number, scale: number): number {
  return (at + 0.5) / scale - 0.5;
}
