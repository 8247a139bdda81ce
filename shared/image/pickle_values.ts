/**
 * The opcodes of a pickle that stand for one value: numbers, text, bytes.
 *
 * Source: Python's pickletools, protocols 0–5.
 *
 * @module
 */
import { corrupt, type Unpickled } from "./pickle_objects.ts";

/** A pickle's bytes, read from start to end. */
export type PickleInput = ReturnType<typeof openPickle>;

/** Read the bytes of a pickle; what is missing is an error. */
export function openPickle(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number) => {
    if (!(length >= 0 && at + length <= bytes.length)) {
      throw corrupt("it ends early", at);
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    /** Where it is. */
    at: () => at,
    take,
    u8: () => take(1)[0],
    u16: () => view.getUint16((take(2), at - 2), true),
    i32: () => view.getInt32((take(4), at - 4), true),
    u32: () => view.getUint32((take(4), at - 4), true),
    u64: () => Number(view.getBigUint64((take(8), at - 8), true)),
    /** Big-endian, unlike the others. */
    f64: () => view.getFloat64((take(8), at - 8)),
    text: (length: number) => new TextDecoder().decode(take(length)),
    /** A line's text, without its end. */
    line() {
      const end = bytes.indexOf(10, at);
      if (end < 0) throw corrupt("a line does not end", at);
      const part = new TextDecoder().decode(take(end - at));
      at++;
      return part;
    },
  };
}

/**
 * Read the value of an opcode.
 *
 * @returns  `undefined` for opcodes that are no values
 */
export function readValue(
  code: string,
  input: PickleInput,
): Unpickled | undefined {
  const { take, u8, u32, u64, text, line } = input;
  switch (code) {
    case "N":
      return null;
    case "\x88":
      return true;
    case "\x89":
      return false;
    case "J":
      return input.i32();
    case "K":
      return u8();
    case "M":
      return input.u16();
    case "I": {
      const value = line();
      return value === "01" ? true : value === "00" ? false : Number(value);
    }
    case "L":
      return Number(line().replace(/L$/, ""));
    case "\x8a": // LONG1
      return toLong(take(u8()));
    case "F":
      return Number(line());
    case "G":
      return input.f64();
    case "S":
      return line().replace(/^(['"])(.*)\1$/, "$2");
    case "V":
      return line();
    case "X":
      return text(u32());
    case "\x8c":
      return text(u8());
    case "\x8d":
      return text(u64());
    case "T":
      return latin(take(u32()));
    case "U":
      return latin(take(u8()));
    case "B":
      return take(u32());
    case "C":
      return take(u8());
    case "\x8e": // BINBYTES8
    case "\x96": // BYTEARRAY8
      return take(u64());
    case "]":
    case ")":
      return [];
    case "}":
      return new Map();
    default:
      return undefined;
  }
}

function latin(part: Uint8Array): string {
  return Array.from(part, (byte) => String.fromCharCode(byte)).join("");
}

/** Two's complement, little-endian. */
function toLong(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) {
    value = value << 8n | BigInt(bytes[i]);
  }
  const signed = BigInt.asIntN(Math.max(1, bytes.length) * 8, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}
