/**
 * Masks as runs: how they were before the edits, in little memory.
 *
 * @module
 */

/** Pairs of length and label, in raster order. */
export type Packed = Uint32Array<ArrayBuffer>;

/** Packed masks and what is known of their labels. */
export interface PackedLabels {
  readonly packed: Packed;
  /** Pixels of each label, by label; 0 where it does not occur. */
  readonly areas: Uint32Array<ArrayBuffer>;
  /** Labels that occur. */
  readonly count: number;
}

/** Larger label numbers are replaced: tables go by the number. */
const TOP_LABEL = 2 ** 24;

/** Packs masks that come in parts. */
export interface Packer {
  /** The next pixels in raster order. */
  add(labels: ArrayLike<number>): void;
  /** The next pixels, of one label. */
  addRun(label: number, length: number): void;
  finish(): Packed;
}

/** Start packing. */
export function createPacker(): Packer {
  let out = new Uint32Array(2048);
  let end = 0;
  let last = -1;
  const addRun = (label: number, length: number) => {
    if (label === last) {
      out[end - 2] += length;
      return;
    }
    if (end === out.length) {
      const larger = new Uint32Array(2 * out.length);
      larger.set(out);
      out = larger;
    }
    out[end] = length;
    out[end + 1] = last = label;
    end += 2;
  };
  return {
    addRun,
    add(labels) {
      const n = labels.length;
      for (let i = 0; i < n;) {
        const label = labels[i];
        const from = i++;
        while (i < n && labels[i] === label) i++;
        addRun(label, i - from);
      }
    },
    finish: () => out.slice(0, end),
  };
}

/** Pack masks: runs of one label. */
export function pack(masks: Uint32Array): Packed {
  const packer = createPacker();
  packer.add(masks);
  return packer.finish();
}

/** Unpack masks. */
export function unpack(packed: Packed): Uint32Array<ArrayBuffer> {
  const masks = new Uint32Array(countPacked(packed));
  for (let r = 0, at = 0; r < packed.length; r += 2) {
    if (packed[r + 1] !== 0) masks.fill(packed[r + 1], at, at + packed[r]);
    at += packed[r];
  }
  return masks;
}

/** Pixels that packed masks have. */
export function countPacked(packed: Packed): number {
  let pixels = 0;
  for (let r = 0; r < packed.length; r += 2) pixels += packed[r];
  return pixels;
}

/** Largest label of packed masks. */
export function topOf(packed: Packed): number {
  let top = 0;
  for (let r = 1; r < packed.length; r += 2) {
    if (packed[r] > top) top = packed[r];
  }
  return top;
}

/**
 * Count the pixels of each label.
 *
 * Where numbers go beyond what a table can hold, labels are numbered anew in
 * raster order, in place.
 */
export function summarize(packed: Packed): PackedLabels {
  if (topOf(packed) >= TOP_LABEL) renumber(packed);
  const areas = new Uint32Array(topOf(packed) + 1);
  let count = 0;
  for (let r = 0; r < packed.length; r += 2) {
    const label = packed[r + 1];
    if (label === 0) continue;
    if (areas[label] === 0) count++;
    areas[label] += packed[r];
  }
  return { packed, areas, count };
}

function renumber(packed: Packed): void {
  const numbers = new Map<number, number>([[0, 0]]);
  for (let r = 1; r < packed.length; r += 2) {
    const label = packed[r];
    let number = numbers.get(label);
    if (number === undefined) numbers.set(label, number = numbers.size);
    packed[r] = number;
  }
}
