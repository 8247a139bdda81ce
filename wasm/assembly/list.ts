/**
 * A list that grows at the top of the scratch stack: pairs of 32 bits.
 *
 * While it grows nothing else may be allocated. The list is a block of 16
 * bytes (address of the next pair, end of what is allocated), then the pairs.
 *
 * Source: ours.
 */
import { allocate } from "./heap";

/** Bytes of a ring's header, where the list is a stream of rings (`contours`). */
export const HEADER_BYTES: usize = 16;

const CHUNK_BYTES: usize = 1 << 16;

/** Make an empty list; returns its address or 0. */
export function createList(): usize {
  const list = allocate(16);
  if (list != 0) {
    store<usize>(list, list + 16);
    store<usize>(list, list + 16, 4);
  }
  return list;
}

/** Address of the first pair. */
export function listStart(list: usize): usize {
  return list + 16;
}

/** Address after the last pair. */
export function listEnd(list: usize): usize {
  return load<usize>(list);
}

/** Drop the pairs from `end` on. */
export function cutList(list: usize, end: usize): void {
  store<usize>(list, end);
}

/** Add a pair; false without memory. */
export function push(list: usize, a: u32, b: u32): bool {
  const at = load<usize>(list);
  const end = load<usize>(list, 4);
  if (at == end) {
    // the stack is contiguous: the block begins where the list ends
    if (allocate(CHUNK_BYTES) == 0) return false;
    store<usize>(list, end + CHUNK_BYTES, 4);
  }
  store<u32>(at, a);
  store<u32>(at, b, 4);
  store<usize>(list, at + 8);
  return true;
}
