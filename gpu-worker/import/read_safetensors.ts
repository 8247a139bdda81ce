/**
 * Read a .safetensors file: a JSON header, then raw tensors.
 *
 * Source: the format's README (header length, header, data; offsets count
 * from the data's start).
 *
 * @module
 */
import {
  CorruptImageError,
  UnsupportedFormatError,
} from "../../shared/errors.ts";
import { countBytes, type Dtype } from "../../shared/graph/mod.ts";
import type { ByteSource } from "./byte_source.ts";
import type { Tensor, Tensors } from "./tensors.ts";

/** The format's names of element types. */
export const NAMES: Readonly<Record<string, Dtype>> = {
  F64: "f64",
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  I64: "i64",
  I32: "i32",
  I16: "i16",
  I8: "i8",
  U8: "u8",
  BOOL: "bool",
};

/** The format's own limit, for telling it from other files. */
const FORMAT_HEADER_BYTES = 100_000_000;
/** Names and shapes of thousands of tensors are far smaller. */
const MAX_HEADER_BYTES = 16 * 2 ** 20;

/** True where the first bytes can be a header's length and its brace. */
export function isSafetensors(source: ByteSource): boolean {
  if (source.size < 10) return false;
  const head = source.read(0, 9);
  const length = headerBytes(head);
  return length >= 2 && length <= FORMAT_HEADER_BYTES && head[8] === 0x7b;
}

/**
 * List the tensors of a file; their values stay in it.
 *
 * @throws {UnsupportedFormatError} for a dtype that is not read
 * @throws {CorruptImageError} if the header is broken or the data too short
 */
export function readSafetensors(source: ByteSource): Tensors {
  const length = headerBytes(source.read(0, 8));
  if (length > MAX_HEADER_BYTES) {
    throw corrupt(`its header has ${length} bytes`);
  }
  const header = parseHeader(source.read(8, length));
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    tensors.set(name, openTensor(source, { name, entry, start: 8 + length }));
  }
  return tensors;
}

function openTensor(
  source: ByteSource,
  { name, entry, start }: { name: string; entry: unknown; start: number },
): Tensor {
  const { dtype: label, shape, data_offsets: range } = (entry ?? {}) as Record<
    string,
    unknown
  >;
  if (!isCounts(shape) || !isCounts(range) || range.length !== 2) {
    throw corrupt(`${name} has no shape or place`);
  }
  if (typeof label !== "string" || !Object.hasOwn(NAMES, label)) {
    throw new UnsupportedFormatError(
      `safetensors dtype ${label}`,
      Object.keys(NAMES),
    );
  }
  const dtype = NAMES[label];
  const bytes = countBytes({ dtype, shape });
  const [from, to] = range;
  if (to - from !== bytes || start + to > source.size) {
    throw corrupt(
      `${name} needs ${bytes} bytes, has ${from} to ${to} of ${
        source.size - start
      }`,
    );
  }
  return { dtype, shape, read: () => source.read(start + from, bytes) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof header === "object" && header !== null) {
      return header as Record<string, unknown>;
    }
  } catch (cause) {
    throw new CorruptImageError("safetensors", "its header is not JSON", {
      cause,
    });
  }
  throw corrupt("its header is no object");
}

function headerBytes(head: Uint8Array): number {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return Number(view.getBigUint64(0, true));
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("safetensors", detail);
}
