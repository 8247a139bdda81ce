/**
 * A pickle writer for what `_seg.npy` holds: dicts, lists, numbers, text and
 * NumPy arrays; and nothing that runs code beyond NumPy's own reconstruction.
 *
 * Source: Python's pickletools (protocol 3); numpy's `ndarray.__reduce__`.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { NpyData } from "./npy.ts";

/** An array within a pickle. */
export interface PickledArray {
  readonly data: NpyData;
  readonly shape: readonly number[];
  /** Write bytes as NumPy bools. */
  readonly isBool?: boolean;
}

/** An array that comes part by part; its length is known. */
export interface StreamedArray {
  /** Any array of its type. */
  readonly like: NpyData;
  readonly shape: readonly number[];
  /** Values in order, of the type of `like`. */
  readonly parts: () => Iterable<NpyData> | AsyncIterable<NpyData>;
}

/** What can be pickled. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | PickledArray
  | StreamedArray
  | readonly Pickled[]
  | { readonly [key: string]: Pickled };

const DTYPES: Readonly<Record<string, string>> = {
  Uint8Array: "u1",
  Int8Array: "i1",
  Uint16Array: "u2",
  Int16Array: "i2",
  Uint32Array: "u4",
  Int32Array: "i4",
  BigUint64Array: "u8",
  BigInt64Array: "i8",
  Float32Array: "f4",
  Float64Array: "f8",
};

/** Bytes of an array whose length needs 64 bits. */
const WIDE = 2 ** 32;

/**
 * Pickle a value as a 0-dimensional object array, as `np.save` does for a
 * dict; `np.load(allow_pickle=True).item()` gives the value back.
 *
 * @throws {ArgumentError} for arrays that come part by part
 */
export function pickleObjectArray(value: Pickled): Uint8Array {
  const parts = layOutPickle(value).map((part) => {
    if (part instanceof Uint8Array) return part;
    throw new ArgumentError("value", "has arrays that are streamed");
  });
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * The bytes of `pickleObjectArray`, part by part.
 *
 * @throws {RangeError} if an array has more or fewer values than its shape
 */
export async function* streamObjectArray(
  value: Pickled,
): AsyncGenerator<Uint8Array> {
  for (const part of layOutPickle(value)) {
    if (part instanceof Uint8Array) {
      yield part;
      continue;
    }
    let left = part.shape.reduce((a, b) => a * b, 1);
    for await (const values of part.parts()) {
      left -= values.length;
      yield bytesOf(values);
    }
    if (left !== 0) throw new RangeError(`an array lacks ${left} values`);
  }
}

/** Bytes, and arrays that are yet to come. */
function layOutPickle(value: Pickled): (Uint8Array | StreamedArray)[] {
  const out = new PickleBytes();
  // PROTO 3: bytes objects, read by Python 3.0 and later; 4 (Python 3.4): of
  // 4 GB and more
  const opening = Uint8Array.of(0x80, 3);
  out.raw(opening);
  writeReconstruct(out);
  // state: version, shape, dtype, Fortran order, list of elements
  out.bytes([0x28, 0x4b, 1, 0x29]); // MARK, BININT1 1, EMPTY_TUPLE
  writeDtype(out, "O8");
  out.bytes([0x89, 0x5d]); // NEWFALSE, EMPTY_LIST
  write(out, value);
  out.bytes([0x61, 0x74, 0x62, 0x2e]); // APPEND, TUPLE, BUILD, STOP
  const isWide = out.parts.some((part) =>
    !(part instanceof Uint8Array) &&
    part.like.BYTES_PER_ELEMENT * part.shape.reduce((a, b) => a * b, 1) >= WIDE
  );
  if (isWide) opening[1] = 4;
  return out.parts;
}

/** Parts of a pickle; large buffers are copied once, or not there yet. */
class PickleBytes {
  readonly parts: (Uint8Array | StreamedArray)[] = [];

  bytes(values: ArrayLike<number>): void {
    this.parts.push(Uint8Array.from(values));
  }

  raw(bytes: Uint8Array | StreamedArray): void {
    this.parts.push(bytes);
  }

  text(text: string): void {
    this.parts.push(new TextEncoder().encode(text));
  }

  u32(value: number): void {
    this.parts.push(new Uint8Array(Uint32Array.of(value).buffer));
  }
}

function write(out: PickleBytes, value: Pickled): void {
  if (value === null) return out.bytes([0x4e]);
  if (typeof value === "boolean") return out.bytes([value ? 0x88 : 0x89]);
  if (typeof value === "number") return writeNumber(out, value);
  if (typeof value === "string") return writeText(out, value);
  if (Array.isArray(value)) {
    out.bytes([0x5d, 0x28]); // EMPTY_LIST, MARK
    for (const item of value) write(out, item);
    return out.bytes([0x65]); // APPENDS
  }
  if (isArray(value)) return writeArray(out, value);
  out.bytes([0x7d, 0x28]); // EMPTY_DICT, MARK
  for (const [key, item] of Object.entries(value)) {
    writeText(out, key);
    write(out, item);
  }
  out.bytes([0x75]); // SETITEMS
}

function isArray(value: object): value is PickledArray | StreamedArray {
  return "data" in value && ArrayBuffer.isView(value.data) || "like" in value;
}

function bytesOf(data: NpyData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeNumber(out: PickleBytes, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    out.bytes([0x4a]); // BININT
    return out.raw(new Uint8Array(Int32Array.of(value).buffer));
  }
  out.bytes([0x47]); // BINFLOAT, big-endian
  out.raw(new Uint8Array(Float64Array.of(value).buffer).reverse());
}

function writeText(out: PickleBytes, text: string): void {
  const bytes = new TextEncoder().encode(text);
  out.bytes([0x58]); // BINUNICODE
  out.u32(bytes.length);
  out.raw(bytes);
}

function writeArray(
  out: PickleBytes,
  array: PickledArray | StreamedArray,
): void {
  const { shape } = array;
  const like = "data" in array ? array.data : array.like;
  const isBool = "isBool" in array && array.isBool;
  const length = shape.reduce((a, b) => a * b, 1);
  if ("data" in array && length !== like.length) {
    throw new ArgumentError(
      "shape",
      `(${shape.join(", ")}) needs ${length} elements, data has ${like.length}`,
    );
  }
  const bytes = length * like.BYTES_PER_ELEMENT;
  writeReconstruct(out);
  out.bytes([0x28, 0x4b, 1, 0x28]); // MARK, BININT1 1, MARK
  for (const edge of shape) writeNumber(out, edge);
  out.bytes([0x74]); // TUPLE
  writeDtype(out, isBool ? "b1" : DTYPES[like.constructor.name]);
  if (bytes < WIDE) {
    out.bytes([0x89, 0x42]); // NEWFALSE, BINBYTES
    out.u32(bytes);
  } else {
    out.bytes([0x89, 0x8e]); // NEWFALSE, BINBYTES8
    out.raw(new Uint8Array(BigUint64Array.of(BigInt(bytes)).buffer));
  }
  out.raw("data" in array ? bytesOf(array.data) : array);
  out.bytes([0x74, 0x62]); // TUPLE, BUILD
}

/** `_reconstruct(ndarray, (0,), b"b")`, as every pickled array begins. */
function writeReconstruct(out: PickleBytes): void {
  // NumPy 1 and 2 both know this name
  out.text("cnumpy.core.multiarray\n_reconstruct\n");
  out.text("cnumpy\nndarray\n");
  out.bytes([0x4b, 0, 0x85, 0x43, 1, 0x62, 0x87, 0x52]);
}

/** `dtype(name, False, True)` and its state: byte order, no fields. */
function writeDtype(out: PickleBytes, name: string): void {
  out.text("cnumpy\ndtype\n");
  writeText(out, name);
  out.bytes([0x89, 0x88, 0x87, 0x52, 0x28, 0x4b, 3]);
  writeText(out, name === "O8" || name.endsWith("1") ? "|" : "<");
  out.bytes([0x4e, 0x4e, 0x4e]);
  writeNumber(out, -1);
  writeNumber(out, -1);
  out.bytes([0x4b, name === "O8" ? 63 : 0, 0x74, 0x62]);
}
