/**
 * Cut a pickle into its opcodes and their operands.
 *
 * Opcodes that only differ in the width of their operand share a name.
 *
 * Source: CPython's pickletools.
 *
 * @module
 */
import { CorruptImageError } from "../../shared/errors.ts";

/** What follows an opcode. */
export type Operand = null | boolean | number | string | Uint8Array;

/** One opcode. */
export interface Opcode {
  readonly name: string;
  readonly operand: Operand;
  readonly offset: number;
}

/** Reads operands; throws where the pickle ends too early. */
interface Cursor {
  take(count: number): Uint8Array;
  uint(bytes: number): number;
  line(): string;
}

type Reader = (cursor: Cursor) => Operand;

const none: Reader = () => null;
const text = (bytes: number): Reader => (cursor) =>
  new TextDecoder().decode(cursor.take(cursor.uint(bytes)));
const raw = (bytes: number): Reader => (cursor) =>
  cursor.take(cursor.uint(bytes));
const uint = (bytes: number): Reader => (cursor) => cursor.uint(bytes);
const fixed = (value: Operand): Reader => () => value;

/** Opcode byte → name and operand; what is missing is refused by its byte. */
const OPCODES: Readonly<Record<number, readonly [string, Reader]>> = {
  0x80: ["PROTO", uint(1)],
  0x95: ["FRAME", uint(8)],
  0x2e: ["STOP", none],
  0x28: ["MARK", none],
  0x30: ["POP", none],
  0x4e: ["CONSTANT", none],
  0x88: ["CONSTANT", fixed(true)],
  0x89: ["CONSTANT", fixed(false)],
  0x4a: ["CONSTANT", (cursor) => cursor.uint(4) | 0],
  0x4b: ["CONSTANT", uint(1)],
  0x4d: ["CONSTANT", uint(2)],
  0x8a: ["CONSTANT", (cursor) => signed(cursor.take(cursor.uint(1)))],
  0x47: ["CONSTANT", (cursor) => {
    const bytes = cursor.take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0);
  }],
  0x58: ["CONSTANT", text(4)],
  0x8c: ["CONSTANT", text(1)],
  0x8d: ["CONSTANT", text(8)],
  0x42: ["CONSTANT", raw(4)],
  0x43: ["CONSTANT", raw(1)],
  0x8e: ["CONSTANT", raw(8)],
  0x7d: ["EMPTY_DICT", none],
  0x5d: ["EMPTY_LIST", none],
  0x29: ["EMPTY_TUPLE", none],
  0x74: ["TUPLE", none],
  0x85: ["TUPLE_N", fixed(1)],
  0x86: ["TUPLE_N", fixed(2)],
  0x87: ["TUPLE_N", fixed(3)],
  0x6c: ["LIST", none],
  0x64: ["DICT", none],
  0x73: ["SETITEM", none],
  0x75: ["SETITEMS", none],
  0x61: ["APPEND", none],
  0x65: ["APPENDS", none],
  0x71: ["PUT", uint(1)],
  0x72: ["PUT", uint(4)],
  0x94: ["MEMOIZE", none],
  0x68: ["GET", uint(1)],
  0x6a: ["GET", uint(4)],
  0x63: ["GLOBAL", (cursor) => `${cursor.line()}.${cursor.line()}`],
  0x93: ["STACK_GLOBAL", none],
  0x51: ["PERSISTENT", none],
  0x52: ["REDUCE", none],
  0x62: ["BUILD", none],
  // known by name, so that a refusal can say it
  0x69: ["INST", (cursor) => `${cursor.line()}.${cursor.line()}`],
  0x6f: ["OBJ", none],
  0x81: ["NEWOBJ", none],
  0x92: ["NEWOBJ_EX", none],
  0x82: ["EXT1", uint(1)],
  0x83: ["EXT2", uint(2)],
  0x84: ["EXT4", uint(4)],
  0x50: ["PERSID", (cursor) => cursor.line()],
};

/**
 * Cut a pickle into opcodes.
 *
 * @throws {CorruptImageError} if it ends within an opcode
 */
export function* opcodes(bytes: Uint8Array): Generator<Opcode> {
  let at = 0;
  const take = (count: number) => {
    if (at + count > bytes.length) {
      throw new CorruptImageError("pickle", "it is cut short", { offset: at });
    }
    at += count;
    return bytes.subarray(at - count, at);
  };
  const cursor: Cursor = {
    take,
    uint: (count) =>
      take(count).reduceRight((value, byte) => value * 256 + byte, 0),
    line() {
      const end = bytes.indexOf(0x0a, at);
      const line = take((end < 0 ? bytes.length : end) - at);
      take(1);
      return new TextDecoder().decode(line);
    },
  };
  while (at < bytes.length) {
    const offset = at;
    const byte = take(1)[0];
    const [name, read] = OPCODES[byte] ??
      [`opcode 0x${byte.toString(16).padStart(2, "0")}`, none];
    yield { name, operand: read(cursor), offset };
    if (name === "STOP") return;
  }
}

/** Little-endian two's complement of any width. */
function signed(bytes: Uint8Array): number {
  const value = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
  const isNegative = bytes.length > 0 && bytes[bytes.length - 1] > 127;
  return isNegative ? value - 256 ** bytes.length : value;
}
