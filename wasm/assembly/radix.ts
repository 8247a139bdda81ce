import { allocate, mark, release } from "./heap";

/**
 * Sort records of 16 bytes by some bytes of their key; stable.
 *
 * records  M×16 bytes  key u64, then 8 bytes that travel along; overwritten
 * spare    M×16 bytes  scratch; overwritten
 * m        M ≥ 0
 * low      0 … 7       first byte of the key that counts (0 = least)
 * high     1 … 8       byte after the last one that counts
 *
 * returns the address of the sorted records, `records` or `spare`, or 0 where
 * memory is short. Linear: one pass for each byte in which the keys differ.
 *
 * Source: least-significant-digit radix sort (Knuth, vol. 3, 5.2.5).
 * Differs: nothing.
 */
export function sortRecords(
  records: usize, spare: usize, m: i32, low: i32, high: i32,
): usize {
  const start = mark();
  const buckets = allocate(1024);
  if (!buckets) return 0;
  const size = usize(m) << 4;

  for (let byte = usize(low); byte < usize(high); byte++) {
    memory.fill(buckets, 0, 1024);
    for (let at: usize = 0; at < size; at += 16) {
      const bucket = buckets + (usize(load<u8>(records + at + byte)) << 2);
      store<u32>(bucket, load<u32>(bucket) + 1);
    }
    // a byte that all keys share moves nothing
    if (!m || load<u32>(buckets + (usize(load<u8>(records + byte)) << 2)) == u32(m)) {
      continue;
    }
    let before: u32 = 0;
    for (let b: usize = 0; b < 1024; b += 4) {
      const count = load<u32>(buckets + b);
      store<u32>(buckets + b, before);
      before += count;
    }
    for (let at: usize = 0; at < size; at += 16) {
      const bucket = buckets + (usize(load<u8>(records + at + byte)) << 2);
      const rank = load<u32>(bucket);
      store<u32>(bucket, rank + 1);
      v128.store(spare + (usize(rank) << 4), v128.load(records + at));
    }
    const sorted = spare;
    spare = records;
    records = sorted;
  }
  release(start);
  return records;
}
