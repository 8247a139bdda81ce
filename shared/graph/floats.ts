/**
 * Floating-point numbers in 16, 32 and 64 bits.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Dtype } from "./types.ts";

/**
 * Bytes of a dtype as f32, rounded to nearest.
 *
 * @param bytes  little-endian; aligned or not
 */
export function toFloat32(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const whole = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, length } = whole;
  switch (dtype) {
    case "f32":
      return new Float32Array(buffer, byteOffset, length / 4);
    case "f64":
      return Float32Array.from(
        new Float64Array(buffer, byteOffset, length / 8),
      );
    case "f16":
      return new Float32Array(new Float16Array(buffer, byteOffset, length / 2));
    case "bf16": {
      const bits = new Uint32Array(
        new Uint16Array(buffer, byteOffset, length / 2),
      );
      for (let i = 0; i < bits.length; i++) bits[i] <<= 16;
      return new Float32Array(bits.buffer);
    }
    case "i64":
      return Float32Array.from(
        new BigInt64Array(buffer, byteOffset, length / 8),
        Number,
      );
    case "i32":
      return Float32Array.from(new Int32Array(buffer, byteOffset, length / 4));
    default:
      throw new ArgumentError("dtype", `${dtype} holds no weights`);
  }
}

/**
 * f32 as bytes of a floating dtype, rounded to nearest even.
 *
 * @param dtype  f32, f16 or bf16
 */
export function fromFloat32(values: Float32Array, dtype: Dtype): Uint8Array {
  switch (dtype) {
    case "f32":
      return new Uint8Array(
        values.buffer,
        values.byteOffset,
        values.byteLength,
      );
    case "f16":
      return new Uint8Array(new Float16Array(values).buffer);
    case "bf16": {
      const bits = new Uint32Array(
        values.buffer,
        values.byteOffset,
        values.length,
      );
      const out = new Uint16Array(values.length);
      for (let i = 0; i < out.length; i++) {
        const word = bits[i];
        // a NaN keeps its sign and stays one; the rest rounds to even
        out[i] = (word & 0x7fffffff) > 0x7f800000
          ? (word >>> 16) | 0x40
          : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
      }
      return new Uint8Array(out.buffer);
    }
    default:
      throw new ArgumentError("dtype", `weights are not kept as ${dtype}`);
  }
}
