/**
 * LZW as TIFF uses it, into a buffer of known length.
 *
 * Own code: the TIFF library's collects its output without a bound.
 *
 * @module
 */
import { CorruptImageError } from "../errors.ts";

const CLEAR = 256;
const END = 257;
const MAX_CODES = 4096;

/**
 * Unpack LZW.
 *
 * @param maxBytes  unpacking stops there
 * @returns         what was unpacked
 * @throws {CorruptImageError} for codes that cannot be
 *
 * Source: TIFF 6.0 §13: most significant bit first, codes widen one early.
 */
export function unpackLzw(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const out = new Uint8Array(maxBytes);
  // where the string of a code stands in the output, and how long it is
  const starts = new Uint32Array(MAX_CODES + 1);
  const lengths = new Uint32Array(MAX_CODES + 1);
  let [codes, width, to, previous] = [END + 1, 9, 0, CLEAR];
  let [bits, held, from] = [0, 0, 0];
  while (to < maxBytes) {
    while (held < width) {
      // the end code may be missing
      if (from >= bytes.length) return out.subarray(0, to);
      bits = (bits << 8 | bytes[from++]) & 0xffffff;
      held += 8;
    }
    const code = bits >>> held - width & (1 << width) - 1;
    held -= width;
    if (code === END) break;
    if (code === CLEAR) {
      [codes, width, previous] = [END + 1, 9, CLEAR];
      continue;
    }
    const at = to;
    if (code < CLEAR) out[to++] = code;
    else if (previous !== CLEAR && code <= codes && code > END) {
      // the newest code is the previous string and its own first byte
      const isNew = code === codes;
      const start = isNew ? starts[MAX_CODES] : starts[code];
      const length = isNew ? lengths[MAX_CODES] + 1 : lengths[code];
      const end = Math.min(maxBytes, to + length);
      for (let i = start; to < end; i++) out[to++] = out[i];
    } else throw new CorruptImageError("tiff", `LZW code ${code} is unknown`);
    if (previous !== CLEAR && codes < MAX_CODES) {
      starts[codes] = starts[MAX_CODES];
      lengths[codes] = lengths[MAX_CODES] + 1;
      codes++;
      if (codes + 1 >= 1 << width && width < 12) width++;
    }
    starts[MAX_CODES] = at;
    lengths[MAX_CODES] = to - at;
    previous = code;
  }
  return out.subarray(0, to);
}
