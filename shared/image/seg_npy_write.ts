/**
 * Cellpose's `_seg.npy`: labels, outlines and flows in a pickled dict, written
 * so that Cellpose's interface loads it.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { checkLength, countPixels, isVolume, type Size } from "../ndarray.ts";
import {
  type LabelImage,
  listLabels,
  narrowLabels,
  shapeOf,
} from "./labels.ts";
import {
  type Pickled,
  type PickledArray,
  pickleObjectArray,
  type StreamedArray,
  streamObjectArray,
} from "./pickle_write.ts";

/** What a `_seg.npy` is written from. */
export interface SegSource extends LabelImage {
  /** The image's file name: the interface looks for it beside the file. */
  readonly filename: string;
  /**
   * H×W or D×H×W: 1 on outline pixels, drawn inside the labels; default: the
   * pixels of a label that touch another or the background.
   */
  readonly outlines?: ArrayLike<number>;
  readonly flows?: SegFlows;
  /** Pixels; default unknown (NaN). */
  readonly diameter?: number;
}

/** The network's output, where it is kept; images only. */
export interface SegFlows {
  /** H×W×3 u8: the flows as colors. */
  readonly rgb: Uint8Array;
  /** 2×H×W f32 (dY, dX), unit scale. */
  readonly flows: Float32Array;
  /** H×W f32, logit. */
  readonly cellprob: Float32Array;
}

/** A `_seg.npy` whose arrays come part by part. */
export interface StreamedSeg {
  readonly size: Size;
  readonly filename: string;
  /** Number of cells. */
  readonly count: number;
  /** u16, or u32 where a label exceeds 65535. */
  readonly masks: StreamedArray["parts"];
  /** Labels on outlines, 0 elsewhere; of the same type. */
  readonly outlines: StreamedArray["parts"];
  readonly flows?: {
    /** H×W×3 u8. */
    readonly rgb: StreamedArray["parts"];
    /** 2×H×W f32, unit scale. */
    readonly flows: () => Generator<Float32Array>;
    /** H×W f32. */
    readonly cellprob: () => Generator<Float32Array>;
  };
  readonly diameter?: number;
}

/** Cellpose's networks give, and its files hold, flows of this length. */
const FLOW_SCALE = 5;

const HEADER = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";

/**
 * Encode a `_seg.npy`.
 *
 * @throws {ArgumentError}
 *
 * Source: Cellpose 4.2.1.1 `masks_flows_to_seg`: keys and their dtypes; u16,
 *   or u32 from label 65535 on.
 * Differs: `flows` are [RGB, cellprob as 0–255, dP, cellprob], the order of
 *   Cellpose's interface, so that it can apply other thresholds to them; the
 *   command line of Cellpose writes another order.
 */
export function encodeSegNpy(source: SegSource): Uint8Array {
  const { masks, size, filename, flows, diameter } = source;
  checkLength("masks", masks, countPixels(size));
  const shape = shapeOf(size);
  const labels = narrowLabels(masks);
  const outlines = labels.map((label, i) =>
    (source.outlines ? source.outlines[i] > 0 : isBorder(labels, shape, i))
      ? label
      : 0
  );
  const pickle = pickleObjectArray(nameEntries({
    outlines: { data: outlines, shape },
    masks: { data: labels, shape },
    count: listLabels(masks).length,
    filename,
    flows: flows ? pickleFlows(flows, size) : [],
    diameter,
  }));
  const header = encodeHeader();
  const out = new Uint8Array(header.length + pickle.length);
  out.set(header);
  out.set(pickle, header.length);
  return out;
}

/**
 * The bytes of `encodeSegNpy`, part by part; arrays may have 4 GB and more.
 */
export async function* streamSegNpy(
  source: StreamedSeg,
): AsyncGenerator<Uint8Array> {
  const { size, count, filename, flows, diameter } = source;
  const shape = shapeOf(size);
  const like = count > 0xffff ? new Uint32Array(0) : new Uint16Array(0);
  yield encodeHeader();
  yield* streamObjectArray(nameEntries({
    outlines: { like, shape, parts: source.outlines },
    masks: { like, shape, parts: source.masks },
    count,
    filename,
    flows: flows ? streamFlows(flows, size) : [],
    diameter,
  }));
}

/** The dict, in Cellpose's order. */
function nameEntries(
  { outlines, masks, count, filename, flows, diameter = NaN }: {
    readonly outlines: PickledArray | StreamedArray;
    readonly masks: PickledArray | StreamedArray;
    readonly count: number;
    readonly filename: string;
    readonly flows: readonly (PickledArray | StreamedArray)[];
    readonly diameter: number | undefined;
  },
): Pickled {
  return {
    outlines,
    masks,
    chan_choose: [0, 0],
    ismanual: { data: new Uint8Array(count), shape: [count], isBool: true },
    filename,
    flows,
    diameter,
  };
}

/** Magic, version 1.0, header padded to 128 bytes. */
function encodeHeader(): Uint8Array {
  const out = new Uint8Array(128);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  out.set(new TextEncoder().encode(HEADER.padEnd(117, " ") + "\n"), 10);
  return out;
}

function pickleFlows(
  { rgb, flows, cellprob }: SegFlows,
  size: Size,
): PickledArray[] {
  if (isVolume(size)) {
    throw new ArgumentError("flows", "those of volumes are not written");
  }
  const { height, width } = size;
  const pixels = height * width;
  checkLength("flows.rgb", rgb, 3 * pixels);
  checkLength("flows.flows", flows, 2 * pixels);
  checkLength("flows.cellprob", cellprob, pixels);
  return [
    { data: rgb, shape: [1, height, width, 3] },
    { data: showLogit(cellprob), shape: [1, height, width] },
    { data: scaleFlows(flows), shape: [2, height, width] },
    { data: cellprob, shape: [height, width] },
  ];
}

function streamFlows(
  { rgb, flows, cellprob }: NonNullable<StreamedSeg["flows"]>,
  { height, width }: Size,
): StreamedArray[] {
  const bytes = new Uint8Array(0);
  const floats = new Float32Array(0);
  return [
    { like: bytes, shape: [1, height, width, 3], parts: rgb },
    {
      like: bytes,
      shape: [1, height, width],
      parts: () => cellprob().map(showLogit),
    },
    {
      like: floats,
      shape: [2, height, width],
      parts: () => flows().map(scaleFlows),
    },
    { like: floats, shape: [height, width], parts: cellprob },
  ];
}

/** −6 … 6 to 0 … 255: beyond these a pixel is certain. */
function showLogit(cellprob: Float32Array): Uint8Array {
  return Uint8Array.from(
    cellprob,
    (value) => Math.max(0, Math.min(255, (value + 6) / 12 * 255)),
  );
}

/** The interface expects the network's scale. */
function scaleFlows(flows: Float32Array): Float32Array {
  return flows.map((value) => value * FLOW_SCALE);
}

/** Whether a pixel of a label has a 4-neighbor outside of it. */
function isBorder(
  labels: ArrayLike<number>,
  shape: readonly number[],
  i: number,
): boolean {
  const label = labels[i];
  if (label === 0) return false;
  const [height, width] = shape.slice(-2);
  const x = i % width;
  const y = Math.floor(i / width) % height;
  return x === 0 || x === width - 1 || y === 0 || y === height - 1 ||
    labels[i - 1] !== label || labels[i + 1] !== label ||
    labels[i - width] !== label || labels[i + width] !== label;
}
