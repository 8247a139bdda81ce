/**
 * Sort u64 keys, ascending, in place.
 *
 * keys  n u64   a payload in the low bits makes the order of ties defined
 *
 * Source: heapsort (Williams 1964, with Floyd's construction): n·log n always,
 * no scratch memory. Differs: nothing.
 */
export function sortKeys(keys: usize, n: i32): void {
  for (let i = (n >> 1) - 1; i >= 0; i--) siftDown(keys, i, n);
  for (let end = n - 1; end > 0; end--) {
    const last = keys + (usize(end) << 3);
    const greatest = load<u64>(keys);
    store<u64>(keys, load<u64>(last));
    store<u64>(last, greatest);
    siftDown(keys, 0, end);
  }
}

function siftDown(keys: usize, i: i32, n: i32): void {
  const key = load<u64>(keys + (usize(i) << 3));
  for (;;) {
    let child = (i << 1) + 1;
    if (child >= n) break;
    let greatest = load<u64>(keys + (usize(child) << 3));
    if (child + 1 < n) {
      const right = load<u64>(keys + (usize(child) << 3), 8);
      if (right > greatest) {
        greatest = right;
        child++;
      }
    }
    if (greatest <= key) break;
    store<u64>(keys + (usize(i) << 3), greatest);
    i = child;
  }
  store<u64>(keys + (usize(i) << 3), key);
}
