/**
 * Masks as runs: how they were before the edits, in little memory.
 *
 * @module
 */

/** Pairs of length and label, in raster order. */
export type Packed = Uint32Array<ArrayBuffer>;

/** Pack masks: runs of one label. */
export function pack(masks: Uint32Array): Packed {
  let room = 1024;
  let out = new Uint32Array(2 * room);
  let runs = 0;
  for (let i = 0; i < masks.length;) {
    const label = masks[i];
    const from = i++;
    while (i < masks.length && masks[i] === label) i++;
    if (runs === room) {
      room *= 2;
      const larger = new Uint32Array(2 * room);
      larger.set(out);
      out = larger;
    }
    out[2 * runs] = i - from;
    out[2 * runs + 1] = label;
    runs++;
  }
  return out.slice(0, 2 * runs);
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

/** Pixels of each label, the largest label, of packed masks. */
export function summarize(
  packed: Packed,
): { areas: Map<number, number>; top: number } {
  const areas = new Map<number, number>();
  let top = 0;
  for (let r = 0; r < packed.length; r += 2) {
    const label = packed[r + 1];
    if (label === 0) continue;
    areas.set(label, (areas.get(label) ?? 0) + packed[r]);
    if (label > top) top = label;
  }
  return { areas, top };
}
