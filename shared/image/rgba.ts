/**
 * From the RGBA that browser codecs give to the channels a file has.
 *
 * @module
 */
import { CorruptImageError } from "../errors.ts";

/**
 * Keep the first channels of RGBA pixels.
 *
 * @param data      H×W×4 u8
 * @param channels  1 (gray: red is kept), 3 or 4
 * @returns         H×W×C u8
 * @throws {CorruptImageError} if there are fewer pixels than the header told
 */
export function dropAlpha(
  data: Uint8ClampedArray,
  channels: number,
  pixels: number,
): Uint8Array {
  if (data.length !== pixels * 4) {
    throw new CorruptImageError(
      "image",
      `${data.length / 4} pixels were decoded, its header tells ${pixels}`,
    );
  }
  if (channels === 4) return new Uint8Array(data.buffer, data.byteOffset);
  const out = new Uint8Array(pixels * channels);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < channels; c++) out[i * channels + c] = data[i * 4 + c];
  }
  return out;
}
