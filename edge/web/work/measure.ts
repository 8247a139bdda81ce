/**
 * Measurements of cells: at once, or of a large image band by band.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { StoredMasks } from "../../../wasm/mod.ts";
import { Labels } from "../edit/labels.ts";
import { type Packed, unpack } from "../edit/packed.ts";
import { openCore } from "./core.ts";

/** Pixels up to which labels are unpacked at once. */
const MAX_WHOLE = 2 ** 24;

/** Measure cells, with intensities where the image's values come along. */
export async function measure(
  { packed, size, image, channels }: {
    packed: Packed;
    size: Size2D;
    image?: Float32Array;
    channels?: number;
  },
) {
  const core = await openCore();
  if (size.height * size.width > MAX_WHOLE) {
    const { ids, ...stored } = storeRuns(packed, size);
    const cells = await core.measureStored(stored);
    return { ...cells, label: ids };
  }
  return core.measureRegions(unpack(packed), size, {
    ...(image ? { image, channels: channels ?? 1 } : {}),
  });
}

/** Measurements, one row a cell. */
export type Measured = Awaited<ReturnType<typeof measure>>;

/** Packed labels as the core reads stored ones: numbered in raster order. */
export function storeRuns(
  packed: Packed,
  size: Size2D,
): StoredMasks & { ids: Uint32Array<ArrayBuffer> } {
  const { width } = size;
  const numbers = new Map<number, number>();
  const runs = packed.slice();
  const boxes: number[] = [];
  for (let r = 0, from = 0; r < runs.length; r += 2) {
    const to = from + runs[r];
    const label = runs[r + 1];
    if (label !== 0) {
      let number = numbers.get(label);
      if (number === undefined) {
        numbers.set(label, number = numbers.size + 1);
        boxes.push(0, 1, Math.floor(from / width), 0, width, 0, 0, 0);
      }
      runs[r + 1] = number;
      growBox(boxes, 8 * (number - 1), { from, to, width });
    }
    from = to;
  }
  const labels = new Labels(runs, size);
  return {
    ids: Uint32Array.from(numbers.keys()),
    count: numbers.size,
    boxes: Int32Array.from(boxes),
    size,
    masks: {
      read(from, count) {
        const out = new Uint32Array(count);
        labels.read(from, { step: 1, count, out, at: 0 });
        return out;
      },
      readInto: (from, out) =>
        labels.read(from, { step: 1, count: out.length, out, at: 0 }),
      write: () => {
        throw new Error("Labels that are measured do not change");
      },
    },
  };
}

/** Grow a box of z, y and x ranges and the area by a run. */
function growBox(
  boxes: number[],
  at: number,
  { from, to, width }: { from: number; to: number; width: number },
): void {
  const [top, bottom] = [
    Math.floor(from / width),
    Math.floor((to - 1) / width),
  ];
  const [left, right] = bottom > top
    ? [0, width]
    : [from - top * width, to - top * width];
  boxes[at + 3] = bottom + 1;
  boxes[at + 4] = Math.min(boxes[at + 4], left);
  boxes[at + 5] = Math.max(boxes[at + 5], right);
  boxes[at + 6] += to - from;
}
