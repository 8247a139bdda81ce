/**
 * Swap rows and columns of a matrix of 4-byte values.
 *
 * out    n×m   f32 or u32
 * image  m×n
 *
 * Turns interleaved pixels (pixels × channels) into planes (channels ×
 * pixels) and back, and a volume's planes into its other sections.
 *
 * Source: none needed.
 * Differs: nothing.
 */
export function transpose(out: usize, image: usize, m: i32, n: i32): void {
  const column = usize(m) << 2;
  // few columns: read in order; else in squares of 16 that fit a cache line
  const side = n <= 16 ? m : 16;
  for (let i0 = 0; i0 < m; i0 += side) {
    const i1 = min(i0 + side, m);
    for (let j0 = 0; j0 < n; j0 += 16) {
      const j1 = min(j0 + 16, n);
      for (let i = i0; i < i1; i++) {
        let from = image + ((usize(i) * usize(n) + usize(j0)) << 2);
        let to = out + usize(j0) * column + (usize(i) << 2);
        for (let j = j0; j < j1; j++) {
          store<u32>(to, load<u32>(from));
          from += 4;
          to += column;
        }
      }
    }
  }
}
