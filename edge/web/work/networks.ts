/**
 * Outputs of networks that are kept: tiles of flows and probabilities, paths of
 * points.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { FAMILIES } from "../../../shared/schema/model.ts";
import { levelSize, TILE } from "../view/geometry.ts";
import { mapColor } from "../view/colors.ts";
import { openCore } from "./core.ts";
import { imageFromRgba } from "./rgba.ts";

/** What a network gave for an image. */
export interface Network {
  /** 2×h×w f32, unit scale */
  readonly flows: Float32Array<ArrayBuffer>;
  /** h×w f32, logit */
  readonly cellprob: Float32Array<ArrayBuffer>;
  /** Size of both. */
  readonly flowsSize: Size2D;
  /** Of the image. */
  readonly size: Size2D;
  readonly family: typeof FAMILIES[number];
  /** Steps that the first masks took, and the diameter these are for. */
  readonly niter: number;
  readonly diameter: number;
}

const networks = new Map<string, Network>();

/**
 * Keep a network's output.
 *
 * @param npy  3×h×w f32: flows, cell probability
 */
export function keepNetwork(
  { id, npy, ...facts }:
    & { id: string; npy: Float32Array<ArrayBuffer> }
    & Omit<Network, "flows" | "cellprob">,
): void {
  const pixels = facts.flowsSize.height * facts.flowsSize.width;
  networks.set(id, {
    ...facts,
    flows: npy.subarray(0, 2 * pixels),
    cellprob: npy.subarray(2 * pixels, 3 * pixels),
  });
}

/** Forget it. */
export function dropNetwork({ id }: { id: string }): void {
  networks.delete(id);
}

/** Draw a tile of the flows in hues, or of the cell probability. */
export async function drawNetworkTile(
  { id, kind, level, column, row }: {
    id: string;
    kind: "flows" | "cellprob";
    level: number;
    column: number;
    row: number;
  },
): Promise<ImageBitmap> {
  const { flows, cellprob, flowsSize, size } = findNetwork(id);
  const whole = levelSize(size, level);
  const width = Math.min(TILE, whole.width - column * TILE);
  const height = Math.min(TILE, whole.height - row * TILE);
  const rgba = new Uint8ClampedArray(width * height * 4);
  const pixels = flowsSize.height * flowsSize.width;
  for (let y = 0, to = 0; y < height; y++) {
    const at = place(row * TILE + y, whole.height, flowsSize.height);
    for (let x = 0; x < width; x++, to += 4) {
      const i = at * flowsSize.width +
        place(column * TILE + x, whole.width, flowsSize.width);
      const color = kind === "flows"
        ? hueOf(flows[i], flows[pixels + i])
        : mapColor(1 / (1 + Math.exp(-cellprob[i])));
      rgba[to] = color[0];
      rgba[to + 1] = color[1];
      rgba[to + 2] = color[2];
      rgba[to + 3] = 255;
    }
  }
  return await imageFromRgba(rgba, width, height);
}

/** Flows of every `step`-th pixel of a box of the image: y, x, dY, dX. */
export function sampleFlows(
  { id, box, step }: {
    id: string;
    box: { x0: number; y0: number; x1: number; y1: number };
    step: number;
  },
): Float32Array<ArrayBuffer> {
  const { flows, cellprob, flowsSize, size } = findNetwork(id);
  const pixels = flowsSize.height * flowsSize.width;
  const out: number[] = [];
  const first = (from: number) => Math.max(0, Math.ceil(from / step) * step);
  for (let y = first(box.y0); y < Math.min(box.y1, size.height); y += step) {
    const row = place(y, size.height, flowsSize.height);
    for (let x = first(box.x0); x < Math.min(box.x1, size.width); x += step) {
      const i = row * flowsSize.width + place(x, size.width, flowsSize.width);
      if (cellprob[i] > 0) out.push(y, x, flows[i], flows[pixels + i]);
    }
  }
  return Float32Array.from(out);
}

/** Edge of the window that paths are followed in. */
const WINDOW = 192;
/** Steps after which a path's position is kept. */
const STOPS = [1, 2, 3, 4, 6, 8, 10, 13, 17, 22, 28, 36, 50, 80, 200];

/** Follow points along the flows: T×P×2 (y, x), image pixels. */
export async function trace(
  { id, points }: { id: string; points: readonly { x: number; y: number }[] },
): Promise<Float32Array<ArrayBuffer>[]> {
  const core = await openCore();
  const network = findNetwork(id);
  const scale = network.flowsSize.width / network.size.width;
  const start = points.map(({ x, y }) => [
    Math.floor(y * scale),
    Math.floor(x * scale),
  ]);
  const cut = cutWindow(network, start[0]);
  // flows count on the foreground only: all of the window is
  const foreground = new Uint8Array(cut.size.height * cut.size.width).fill(1);
  const chosen: number[] = [];
  for (const [y, x] of start) {
    const [v, u] = [y - cut.y0, x - cut.x0];
    const isIn = v >= 0 && u >= 0 && v < cut.size.height && u < cut.size.width;
    if (isIn) chosen.push(v * cut.size.width + u);
  }
  return [0, ...STOPS].map((niter) => {
    const { points } = core.followFlows(cut.flows, foreground, cut.size, {
      niter,
      convention: "plain",
    });
    const frame = new Float32Array(2 * chosen.length);
    for (const [p, at] of chosen.entries()) {
      frame[2 * p] = (points[2 * at] + 0.5 + cut.y0) / scale;
      frame[2 * p + 1] = (points[2 * at + 1] + 0.5 + cut.x0) / scale;
    }
    return frame;
  });
}

/** Pixels (ascending) whose paths end where that of the clicked one ends. */
export async function gather(
  { id, x, y }: { id: string; x: number; y: number },
): Promise<Uint32Array<ArrayBuffer>> {
  const core = await openCore();
  const network = findNetwork(id);
  const { size, flowsSize, niter } = network;
  if (size.width !== flowsSize.width) {
    throw new Error(
      "A cell is added by a click where the flows have the image's size: run the full resolution first",
    );
  }
  const cut = cutWindow(network, [Math.floor(y), Math.floor(x)]);
  const { height, width } = cut.size;
  const foreground = new Uint8Array(height * width).fill(1);
  const { points } = core.followFlows(cut.flows, foreground, cut.size, {
    niter,
    convention: "plain",
  });
  const at = (Math.floor(y) - cut.y0) * width + Math.floor(x) - cut.x0;
  const [ey, ex] = [points[2 * at], points[2 * at + 1]];
  const joined = new Uint32Array(height * width);
  for (let i = 0; i < joined.length; i++) {
    const near = Math.hypot(points[2 * i] - ey, points[2 * i + 1] - ex);
    joined[i] = near <= 2.5 ? 1 : 0;
  }
  const { masks } = core.splitLabels(joined, cut.size);
  const part = masks[at];
  const found: number[] = [];
  for (let i = 0; i < masks.length; i++) {
    if (part === 0 || masks[i] !== part) continue;
    const row = Math.floor(i / width) + cut.y0;
    found.push(row * size.width + i % width + cut.x0);
  }
  return Uint32Array.from(found);
}

function cutWindow({ flows, flowsSize }: Network, [y, x]: number[]) {
  const { height, width } = flowsSize;
  const y0 = Math.max(0, Math.min(y - WINDOW / 2, height - WINDOW));
  const x0 = Math.max(0, Math.min(x - WINDOW / 2, width - WINDOW));
  const size = {
    height: Math.min(WINDOW, height),
    width: Math.min(WINDOW, width),
  };
  const pixels = size.height * size.width;
  const cut = new Float32Array(2 * pixels);
  for (let plane = 0; plane < 2; plane++) {
    for (let row = 0; row < size.height; row++) {
      const from = plane * height * width + (y0 + row) * width + x0;
      cut.set(
        flows.subarray(from, from + size.width),
        plane * pixels + row * size.width,
      );
    }
  }
  return { flows: cut, size, y0, x0 };
}

/** A kept output. */
export function findNetwork(id: string): Network {
  const network = networks.get(id);
  if (network === undefined) {
    throw new Error("There are no flows of this image yet: run a preview");
  }
  return network;
}

/** Where a pixel of one size lies in another. */
function place(at: number, from: number, to: number): number {
  return Math.min(to - 1, Math.floor((at + 0.5) * to / from));
}

/** Direction as hue, length as brightness. */
function hueOf(dy: number, dx: number): [number, number, number] {
  const length = Math.hypot(dy, dx);
  const m = Math.min(1, length) * 127.5;
  const [cos, sin] = length > 0 ? [-dy / length, -dx / length] : [0, 0];
  const side = sin * 0.8660254037844386;
  return [m * (1 + cos), m * (1 - cos / 2 - side), m * (1 - cos / 2 + side)];
}
