/**
 * Rings in the order of their labels, as flat arrays.
 */
import { allocate, mark, release } from "./heap";
import { HEADER_BYTES } from "./list";
import { sortRecords } from "./radix";

/**
 * Gather the rings of a stream: ascending labels, then polygons as they were
 * met in raster order, each outer ring before its holes.
 *
 * points    M×2 i32    out: (y, x)
 * offsets   (R+1) u32  out: points before each ring
 * labels    R u32      out
 * polygons  R u32      out: 0, 1, … the same for an outer ring and its holes
 * holes     R u8       out: 1 for a hole
 * found     4 u32      of `contours`: R rings, M points
 *
 * returns              polygons, or −2 without scratch memory
 *
 * Source: ours.
 */
export function gatherRings(
  points: usize, offsets: usize, labels: usize, polygons: usize, holes: usize,
  found: usize,
): i32 {
  const start = mark();
  const rings = load<u32>(found);
  const records = allocate(usize(rings) << 4);
  const spare = allocate(usize(rings) << 4);
  let sorted: usize = 0;
  if (records != 0 && spare != 0) {
    let ring = load<usize>(found, 8);
    for (let i: u32 = 0; i < rings; i++) {
      const record = records + (usize(i) << 4);
      store<u32>(record, load<u32>(ring, 4));
      store<u32>(record, load<u32>(ring), 4);
      store<usize>(record, ring, 8);
      ring += HEADER_BYTES + (usize(load<u32>(ring, 8)) << 3);
    }
    sorted = sortRecords(records, spare, i32(rings), 0, 8);
  }
  if (sorted == 0) {
    release(start);
    return -2;
  }

  let count = -1;
  let before: u32 = 0;
  store<u32>(offsets, 0);
  for (let i: usize = 0; i < usize(rings); i++) {
    const record = sorted + (i << 4);
    const ring = load<usize>(record, 8);
    const size = load<u32>(ring, 8);
    // polygon numbers are unique over all labels
    if (i == 0 || load<u32>(record) != load<u32>(record - 16)) count++;
    memory.copy(points + (usize(before) << 3), ring + HEADER_BYTES, usize(size) << 3);
    before += size;
    store<u32>(offsets + (i << 2), before, 4);
    store<u32>(labels + (i << 2), load<u32>(ring));
    store<u32>(polygons + (i << 2), u32(count));
    store<u8>(holes + i, u8(load<u32>(ring, 12)));
  }
  release(start);
  return count + 1;
}
