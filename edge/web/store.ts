/**
 * What the page knows: open images, the chosen one, how it is shown.
 *
 * @module
 */
import { batch, computed, type Signal, signal } from "@preact/signals";
import type { Size2D } from "../../shared/ndarray.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { Labels } from "./edit/labels.ts";
import { type EditLog, EMPTY_LOG, type Runs } from "./edit/log.ts";
import type { WireJob, WireModel, WireQuote } from "./service/api.ts";
import type { Scores } from "./work/cells.ts";
import type { Measured } from "./work/measure.ts";
import type { ImageFacts } from "./work/images.ts";
import type { Packed, PackedLabels } from "./edit/packed.ts";
import { carryColors } from "./view/colors.ts";
import type { View } from "./view/geometry.ts";
import type { ChannelLook } from "./view/tint.ts";

/** Where masks came from. */
export type Source =
  | "preview"
  | "browser"
  | "full"
  | "tuned"
  | "file"
  | "scene"
  | "hand";

/** Something that may be wrong with a result. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** Masks of a plane; edits change `masks` in place and make a new object. */
export interface Cells {
  readonly masks: Labels;
  /** As they were before the edits. */
  readonly base: Packed;
  readonly log: EditLog;
  /** Pixels of each label; 0 where there is none. */
  readonly areas: Uint32Array;
  /** Cells. */
  readonly count: number;
  /** No label is above it. */
  readonly top: number;
  /** Color number of each label. */
  readonly colors: Uint32Array;
  /** Of label k + 1, where it is known. */
  readonly confidence?: Float32Array;
  readonly source: Source;
  readonly emptyReason?: string;
  /** Where these came about by an edit: areas before it, and its changes. */
  readonly edited?: { readonly areas: Uint32Array; readonly runs: Runs };
}

/** What a plane has. */
export interface PlaneState {
  readonly cells: Signal<Cells | undefined>;
  readonly truth: Signal<Labels | undefined>;
  readonly scores: Signal<Scores | undefined>;
  readonly measured: Signal<Measured | undefined>;
  readonly warnings: Signal<readonly Warning[]>;
  readonly hasFlows: Signal<boolean>;
}

/** A job at full resolution. */
export interface JobState {
  readonly quote?: WireQuote;
  readonly uploadId?: string;
  readonly job?: WireJob;
  /** Of the image in the job; default 0. */
  readonly index?: number;
  readonly abort?: AbortController;
}

/** An open image. */
export interface Doc {
  readonly id: string;
  readonly name: string;
  readonly file: Blob;
  /** SHA-256 of the file. */
  readonly digest: string;
  readonly facts: ImageFacts;
  readonly thumbnail: ImageBitmap;
  readonly plane: Signal<number>;
  readonly looks: Signal<readonly ChannelLook[]>;
  readonly job: Signal<JobState>;
  readonly planes: Map<number, PlaneState>;
  view: View | undefined;
}

/** What lies below the cells. */
export type BaseLayer = "image" | "flows" | "cellprob";
/** How cells are colored. */
export type CellColors = "stable" | "confidence" | "difference";

/** What the pointer does. */
export type Tool =
  | "pan"
  | "select"
  | "brush"
  | "erase"
  | "polygon"
  | "fill"
  | "split"
  | "merge"
  | "delete"
  | "lasso"
  | "add"
  | "box"
  | "trace";

export const docs = signal<readonly Doc[]>([]);
export const currentId = signal<string | undefined>(undefined);
export const doc = computed(() =>
  docs.value.find(({ id }) => id === currentId.value)
);
export const models = signal<readonly WireModel[]>([]);
export const parameters = signal<SegmentParameters>(
  SegmentParameters.parse({}),
);
export const method = signal<"peaks" | "dbscan">("peaks");
export const eps = signal(1.5);
/** Model of jobs; previews are by the service's own. */
export const jobModel = signal("default");
export const runsIn = signal<"edge" | "browser">("edge");
/** Whether a network in the browser may run on WebGPU. */
export const usesGpu = signal(true);
/** Where it runs, and why not on WebGPU. */
export const runsOn = signal<{ provider: string; reason?: string } | undefined>(
  undefined,
);
/** The service's model that answers prompts, where it has one. */
export const prompted = signal<WireModel | undefined>(undefined);
/** How a click adds a cell where there is such a model. */
export const addsBy = signal<"model" | "flows">("model");

export const baseLayer = signal<BaseLayer>("image");
export const cellColors = signal<CellColors>("stable");
export const showMasks = signal(true);
export const showOutlines = signal(true);
export const showTruth = signal(true);
export const showArrows = signal(false);
export const opacity = signal(0.45);
export const tool = signal<Tool>("pan");
export const radius = signal(4);
export const selected = signal<readonly number[]>([]);

export const busy = signal<string | undefined>(undefined);
export const message = signal<{ kind: "error" | "note"; text: string }>({
  kind: "note",
  text: "",
});

/** The state of a plane; made when it is first asked for. */
export function planeOf(image: Doc, plane = image.plane.value): PlaneState {
  let state = image.planes.get(plane);
  if (state === undefined) {
    state = {
      cells: signal(undefined),
      truth: signal(undefined),
      scores: signal(undefined),
      measured: signal(undefined),
      warnings: signal([]),
      hasFlows: signal(false),
    };
    image.planes.set(plane, state);
  }
  return state;
}

/** The chosen image's chosen plane. */
export const plane = computed(() => doc.value && planeOf(doc.value));

/** Put new masks together; cells keep the colors of those before. */
export function makeCells(
  { packed, areas, count }: PackedLabels,
  { before, size, ...facts }:
    & { before: Cells | undefined; source: Source; size: Size2D }
    & Partial<Pick<Cells, "confidence" | "emptyReason">>,
): Cells {
  const top = areas.length - 1;
  const colors = carryColors(
    before && { packed: before.masks.pack(), colors: before.colors },
    packed,
    top,
  );
  const masks = new Labels(packed, size);
  const base = packed;
  return { masks, base, log: EMPTY_LOG, areas, count, top, colors, ...facts };
}

/** Areas after an edit, or after it was undone. */
export function shiftAreas(
  { areas, count }: Pick<Cells, "areas" | "count">,
  runs: Runs,
  which: "before" | "after",
): Pick<Cells, "areas" | "count"> {
  let top = areas.length - 1;
  for (let r = 0; r < runs.length; r += 4) {
    top = Math.max(top, runs[r + 2], runs[r + 3]);
  }
  const next = new Uint32Array(top + 1);
  next.set(areas);
  const [from, to] = which === "after" ? [2, 3] : [3, 2];
  for (let r = 0; r < runs.length; r += 4) {
    const [gone, come] = [runs[r + from], runs[r + to]];
    if (gone !== 0 && (next[gone] -= runs[r + 1]) === 0) count--;
    if (come !== 0 && (next[come] += runs[r + 1]) === runs[r + 1]) count++;
  }
  return { areas: next, count };
}

/** Say something at the foot of the page. */
export function tell(kind: "error" | "note", text: string): void {
  message.value = { kind, text };
}

/** Run work with its name at the foot; what fails is told there. */
export async function withBusy<T>(
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  batch(() => {
    busy.value = what;
    tell("note", "");
  });
  try {
    return await work();
  } catch (err) {
    tell("error", err instanceof Error ? err.message : String(err));
    return undefined;
  } finally {
    busy.value = undefined;
  }
}
