/**
 * Find the pixels whose flow is rounding noise in the peer.
 *
 * Slow and obvious: the whole image diffuses in f64 as Cellpose does it, and
 * a pixel counts as noise where the flow before normalising is below 1e-6 of
 * the local heat.
 *
 * Source: Cellpose 4.2.1.1 `masks_to_flows_gpu`, `masks_to_flows_gpu_3d`.
 * Differs: f64 also where the peer uses f32 (padded images above 4·10⁷ pixels).
 *
 * @module
 */
import { isVolume, type Size } from "../../shared/ndarray.ts";

/** Below this part of the local heat a flow has no direction. */
const NOISE = 1e-6;

/** Labels with a border of background, and how to walk them. */
interface Padded {
  readonly labels: Uint32Array;
  /** Foreground in raster order: addresses in the padded and plain image. */
  readonly cells: Uint32Array;
  readonly plain: Uint32Array;
  /** Address steps along each axis, slowest axis first. */
  readonly strides: number[];
}

/** Box of a label, and the sums of its coordinates. */
interface Box {
  readonly low: number[];
  readonly high: number[];
  readonly sum: number[];
  readonly members: number[];
}

/**
 * Mark the pixels of cells whose flow has no direction.
 *
 * @param labels  H×W or D×H×W u32, without gaps
 * @returns       u8 of the same shape, 1 where the peer's flow is noise
 */
export function findNoise(labels: Uint32Array, size: Size): Uint8Array {
  const padded = pad(labels, size);
  const { cells, plain, strides } = padded;
  const heat = diffuse(padded, size);
  const isNoise = new Uint8Array(labels.length);
  for (let i = 0; i < cells.length; i++) {
    let squares = 0;
    for (const stride of strides) {
      squares += (heat[cells[i] + stride] - heat[cells[i] - stride]) ** 2;
    }
    if (Math.sqrt(squares) < NOISE * heat[cells[i]]) isNoise[plain[i]] = 1;
  }
  return isNoise;
}

function diffuse(padded: Padded, size: Size): Float64Array {
  const { labels, cells, strides } = padded;
  const boxes = measureBoxes(padded, size);
  const centers = boxes.map((box) =>
    isVolume(size) ? nearestToMean(box, padded) : roundedMean(box, padded)
  );
  const neighbors = isVolume(size)
    ? [0, ...strides.flatMap((stride) => [-stride, stride])]
    : [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => y * strides[0] + x));
  const steps = Math.max(
    0,
    ...boxes.map(({ low, high }) => {
      const edges = high.map((edge, axis) => edge - low[axis] + 2);
      return edges.reduce((a, b) => a + b, 0) * (isVolume(size) ? 6 : 2);
    }),
  );
  let heat = new Float64Array(labels.length);
  let after = new Float64Array(labels.length);
  for (let step = 0; step < steps; step++) {
    for (const center of centers) heat[center] += 1;
    for (const cell of cells) {
      let sum = 0;
      for (const neighbor of neighbors) {
        const at = cell + neighbor;
        if (labels[at] === labels[cell]) sum += heat[at];
      }
      after[cell] = sum / neighbors.length;
    }
    [heat, after] = [after, heat];
  }
  return heat;
}

function pad(labels: Uint32Array, size: Size): Padded {
  const depth = isVolume(size) ? size.depth : 1;
  const row = size.width + 2;
  const plane = (size.height + 2) * row;
  const border = isVolume(size) ? 1 : 0;
  const grown = new Uint32Array((depth + 2 * border) * plane);
  const cells: number[] = [];
  const plain: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    const x = i % size.width;
    const y = Math.floor(i / size.width) % size.height;
    const z = Math.floor(i / (size.width * size.height));
    const at = (z + border) * plane + (y + 1) * row + x + 1;
    grown[at] = labels[i];
    cells.push(at);
    plain.push(i);
  }
  return {
    labels: grown,
    cells: Uint32Array.from(cells),
    plain: Uint32Array.from(plain),
    strides: isVolume(size) ? [plane, row, 1] : [row, 1],
  };
}

function measureBoxes({ labels, cells, strides }: Padded, size: Size): Box[] {
  const boxes = new Map<number, Box>();
  const axes = isVolume(size) ? 3 : 2;
  for (const cell of cells) {
    let box = boxes.get(labels[cell]);
    if (box === undefined) {
      box = {
        low: new Array(axes).fill(Infinity),
        high: new Array(axes).fill(-Infinity),
        sum: new Array(axes).fill(0),
        members: [],
      };
      boxes.set(labels[cell], box);
    }
    box.members.push(cell);
    coordinates(cell, strides).forEach((at, axis) => {
      box.low[axis] = Math.min(box.low[axis], at);
      box.high[axis] = Math.max(box.high[axis], at);
      box.sum[axis] += at;
    });
  }
  return [...boxes.values()];
}

/** The rounded mean where it is in the cell, else the pixel nearest to it. */
function roundedMean(box: Box, padded: Padded): number {
  const mean = box.sum.map((sum, axis) =>
    roundHalfEven(sum / box.members.length - box.low[axis])
  );
  return nearest(mean, box, { strides: padded.strides, first: 0 });
}

function nearestToMean(box: Box, padded: Padded): number {
  const n = box.members.length;
  const mean = box.sum.map((sum, axis) => (sum - n * (box.low[axis] - 1)) / n);
  return nearest(mean, box, { strides: padded.strides, first: 1 });
}

/**
 * The first of the nearest members. Positions count from the box, whose first
 * is 0 or 1, and squares are added in the order z, x, y: the peer's rounding
 * decides ties.
 */
function nearest(
  center: number[],
  box: Box,
  { strides, first }: { strides: number[]; first: number },
): number {
  let best = box.members[0];
  let smallest = Infinity;
  for (const cell of box.members) {
    const [x, y, z = 0] = coordinates(cell, strides)
      .map((at, axis) => (at - box.low[axis] + first - center[axis]) ** 2)
      .reverse();
    const distance = z + x + y;
    if (distance < smallest) [best, smallest] = [cell, distance];
  }
  return best;
}

function coordinates(cell: number, strides: number[]): number[] {
  return strides.map((stride, axis) =>
    Math.floor((axis === 0 ? cell : cell % strides[axis - 1]) / stride)
  );
}

function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest === 0.5) return low % 2 === 0 ? low : low + 1;
  return rest < 0.5 ? low : low + 1;
}
