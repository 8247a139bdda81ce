/**
 * Hash table from u64 keys to u32 values, for labels that are huge and sparse
 * and for pairs of labels.
 *
 * A table is a block of 16 bytes (slots u32, capacity u32, used u32); a slot is
 * 16 bytes (key u64, value u32). Key 0 is an empty slot. It grows on the scratch
 * stack; the caller's mark frees the old slots too.
 */
import { allocate } from "./heap";

const SLOT_BYTES: usize = 16;

/**
 * Make an empty table.
 *
 * capacity  u32  slots to begin with, a power of two
 * returns        address, or 0 where there is no memory
 */
export function createTable(capacity: u32): usize {
  const table = allocate(16);
  const slots = allocateSlots(capacity);
  if (table == 0 || slots == 0) return 0;
  store<u32>(table, u32(slots));
  store<u32>(table, capacity, 4);
  store<u32>(table, 0, 8);
  return table;
}

/** Number of keys. */
export function tableSize(table: usize): u32 {
  return load<u32>(table, 8);
}

/** Number of slots; slot k is empty where `slotKey` is 0. */
export function tableCapacity(table: usize): u32 {
  return load<u32>(table, 4);
}

/** Address of slot k: key u64, then value u32 at +8. */
export function slotAt(table: usize, k: u32): usize {
  return usize(load<u32>(table)) + usize(k) * SLOT_BYTES;
}

/**
 * Find the value of a key, adding it with value 0 where it is missing.
 *
 * key      u64  not 0
 * returns       address of the value (valid until the next call),
 *               or 0 where there is no memory
 */
export function findValue(table: usize, key: u64): usize {
  const capacity = load<u32>(table, 4);
  const slot = probe(usize(load<u32>(table)), capacity, key);
  if (load<u64>(slot) == key) return slot + 8;

  const used = load<u32>(table, 8) + 1;
  if (used > capacity >> 1) {
    if (!grow(table)) return 0;
    return findValue(table, key);
  }
  store<u32>(table, used, 8);
  store<u64>(slot, key);
  return slot + 8;
}

function grow(table: usize): bool {
  const old = usize(load<u32>(table));
  const capacity = load<u32>(table, 4);
  const slots = allocateSlots(capacity << 1);
  if (slots == 0) return false;
  for (let k: u32 = 0; k < capacity; k++) {
    const from = old + usize(k) * SLOT_BYTES;
    const key = load<u64>(from);
    if (key == 0) continue;
    const to = probe(slots, capacity << 1, key);
    store<u64>(to, key);
    store<u32>(to, load<u32>(from, 8), 8);
  }
  store<u32>(table, u32(slots));
  store<u32>(table, capacity << 1, 4);
  return true;
}

/** The slot of a key, or the empty slot where it belongs. */
function probe(slots: usize, capacity: u32, key: u64): usize {
  // Fibonacci hashing: the upper bits of a product with 2^64/φ
  let k = u32((key * 0x9e37_79b9_7f4a_7c15) >> 32) & (capacity - 1);
  let slot = slots + usize(k) * SLOT_BYTES;
  let found = load<u64>(slot);
  while (found != key && found != 0) {
    k = (k + 1) & (capacity - 1);
    slot = slots + usize(k) * SLOT_BYTES;
    found = load<u64>(slot);
  }
  return slot;
}

function allocateSlots(capacity: u32): usize {
  // 2^28 slots are 4 GiB
  if (capacity >= 1 << 28) return 0;
  const slots = allocate(usize(capacity) * SLOT_BYTES);
  if (slots != 0) memory.fill(slots, 0, usize(capacity) * SLOT_BYTES);
  return slots;
}
