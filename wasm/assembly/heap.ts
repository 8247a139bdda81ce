/**
 * Scratch memory: a stack that grows linear memory as needed.
 *
 * The host (or a kernel) marks, allocates, and releases to its mark; nothing
 * is ever freed alone. All blocks are 16-byte aligned and not cleared.
 */

/** First free byte. The only state of the module. */
let top: usize = (__heap_base + 15) & ~15;

/** Position to release to. */
export function mark(): usize {
  return top;
}

/** Free everything allocated since `to` was taken from `mark`. */
export function release(to: usize): void {
  top = to;
}

/** Bytes as an address has them; what 4 GiB do not hold, no call of `allocate` gets. */
export function fit(bytes: u64): usize {
  return usize(min<u64>(bytes, 0xffff_ffff));
}

/**
 * Take `bytes` from the stack, growing the memory where it is too short.
 *
 * bytes   u32   any number; 0 gives a valid address
 * returns       16-byte aligned address, or 0 where 4 GiB do not hold it
 */
export function allocate(bytes: usize): usize {
  const start = u64(top);
  const end = (start + u64(bytes) + 15) & ~15;
  // the last page stays unused by one block, so that `top` fits in 32 bits
  if (end > 0xffff_fff0) return 0;
  const have = u64(memory.size()) << 16;
  if (end > have) {
    const pages = (end - have + 0xffff) >> 16;
    if (pages > 65536 || memory.grow(i32(pages)) < 0) return 0;
  }
  top = usize(end);
  return usize(start);
}
