/**
 * NumPy's .npy files, versions 1 to 3, to typed arrays and back.
 *
 * Own code: the npm packages read only, and lack types such as bool or int64.
 *
 * Source: numpy.lib.format, "The .npy format" (NEP 1).
 *
 * @module
 */
import {
  ArgumentError,
  CorruptImageError,
  ShapeError,
  UnsupportedFormatError,
} from "../errors.ts";
import type { Budget } from "./limits.ts";

/** dtype → constructor; bool and f2 are widened, see `decodeNpy`. */
const TYPES = {
  "|u1": Uint8Array,
  "|i1": Int8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<u4": Uint32Array,
  "<i4": Int32Array,
  "<u8": BigUint64Array,
  "<i8": BigInt64Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|b1": Uint8Array,
} as const;

type Dtype = keyof typeof TYPES;

/** Arrays that .npy files hold. */
export type NpyData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** An array of a .npy file, C order. */
export interface Npy {
  readonly data: NpyData;
  /** Slowest axis first; empty for a scalar. */
  readonly shape: readonly number[];
  /** NumPy's name, as `|b1`, `<f4`; bool is `|b1` over bytes 0 and 1. */
  readonly dtype: Dtype;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Decode a .npy file; the data is copied, so `bytes` can be reused.
 *
 * Big-endian files, Fortran order and half floats (to f32) are converted.
 *
 * @param bytes   the whole file
 * @param budget  limits, checked from the header; default: the file's size is
 *   the limit
 * @throws {UnsupportedFormatError} if it is not .npy, or of another dtype
 *   (objects, strings, complex)
 * @throws {CorruptImageError} if the header is broken or the data too short
 */
export function decodeNpy(bytes: Uint8Array, budget?: Budget): Npy {
  const { at, ...layout } = readNpyHeader(bytes);
  return decodeNpyArray(bytes.subarray(at), layout, {
    offset: at,
    ...(budget && { budget }),
  });
}

/**
 * Read the header of a .npy file.
 *
 * @param bytes  the file, or its beginning
 * @returns      how the elements lie, and where they start
 * @throws {UnsupportedFormatError | CorruptImageError} as `decodeNpy`
 */
export function readNpyHeader(
  bytes: Uint8Array,
): NpyLayout & { readonly at: number } {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new UnsupportedFormatError("A file without npy signature", ["npy"]);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (!(version >= 1 && version <= 3)) {
    throw new UnsupportedFormatError(`npy version ${version}`, ["1", "2", "3"]);
  }
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw corrupt("the header is cut short", 8);
  const headerBytes = version === 1
    ? view.getUint16(8, true)
    : view.getUint32(8, true);
  const at = start + headerBytes;
  if (at > bytes.length) throw corrupt("the header is cut short", 8);
  const header = new TextDecoder().decode(bytes.subarray(start, at));
  return { ...parseHeader(header), at };
}

/** How the elements of an array lie in memory. */
export interface NpyLayout {
  /** NumPy's name of the type with its byte order, as "<u2". */
  readonly descr: string;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
}

/**
 * Decode the elements of an array; otherwise as `decodeNpy`.
 *
 * @param bytes    the elements; more may follow
 * @param options  `offset`: where they stand in the file, for errors
 */
export function decodeNpyArray(
  bytes: Uint8Array,
  { descr, isFortran, shape }: NpyLayout,
  { offset = 0, budget }: { offset?: number; budget?: Budget } = {},
): Npy {
  const isHalf = /^[<>=]f2$/.test(descr);
  const dtype = isHalf
    ? "<f4"
    : descr.replace(/^[>=]/, "<").replace(/^<(?=[uib]1$)/, "|");
  if (!isDtype(dtype)) {
    throw new UnsupportedFormatError(`npy dtype ${descr}`, Object.keys(TYPES));
  }
  const type = isHalf ? Uint16Array : TYPES[dtype];
  const length = shape.reduce((a, b) => a * b, 1);
  const dataBytes = length * type.BYTES_PER_ELEMENT;
  const isShape = shape.every((edge) => Number.isInteger(edge) && edge >= 0);
  if (!isShape || !(dataBytes <= bytes.length)) {
    throw corrupt(
      `shape (${
        shape.join(", ")
      }) needs ${dataBytes} bytes, there are ${bytes.length}`,
      offset,
    );
  }
  budget?.checkSize({
    samples: length,
    bytesPerSample: type.BYTES_PER_ELEMENT,
    encodedBytes: offset + bytes.length,
  });
  // a Buffer's slice would share its pool, header and all
  const copy = new Uint8Array(bytes.subarray(0, dataBytes));
  if (descr[0] === ">") swapBytes(copy, type.BYTES_PER_ELEMENT);
  const stored = new type(copy.buffer, 0, length);
  const data = isHalf ? widenHalf(stored as Uint16Array) : stored;
  return {
    data: isFortran && shape.length > 1 ? toRowOrder(data, shape) : data,
    shape,
    dtype,
  };
}

/**
 * Encode an array as .npy, version 1.0, C order, little-endian.
 *
 * @param data   any typed array `decodeNpy` gives; its type decides the dtype
 * @param shape  slowest axis first
 * @throws {ShapeError} if the shape does not fit the length
 */
export function encodeNpy(
  data: NpyData,
  shape: readonly number[],
): Uint8Array {
  const length = shape.reduce((a, b) => a * b, 1);
  if (length !== data.length) {
    throw new ShapeError(
      "shape",
      `(${shape.join(", ")}) needs ${length} elements, data has ${data.length}`,
    );
  }
  const header = encodeNpyHeader(data, shape);
  const out = new Uint8Array(header.length + data.byteLength);
  out.set(header);
  out.set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    header.length,
  );
  return out;
}

/** What stands before an array's values, whose type `data` has. */
export function encodeNpyHeader(
  data: NpyData,
  shape: readonly number[],
): Uint8Array<ArrayBuffer> {
  // u1 stands before b1 in the table, so bytes are written as uint8
  const descr = Object.entries(TYPES).find(([, t]) => data instanceof t)?.[0];
  if (descr === undefined) {
    throw new ArgumentError("data", "npy does not hold this type of array");
  }
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text =
    `{'descr': '${descr}', 'fortran_order': False, 'shape': (${axes}), }`;
  // magic, version and length take 10 bytes; the data starts at 64·n
  const headerBytes = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const out = new Uint8Array(10 + headerBytes);
  out.set(MAGIC);
  out[6] = 1;
  new DataView(out.buffer).setUint16(8, headerBytes, true);
  const padded = text.padEnd(headerBytes - 1, " ") + "\n";
  out.set(new TextEncoder().encode(padded), 10);
  return out;
}

/**
 * Values of an array as label numbers.
 *
 * @throws {ArgumentError} if a value is no integer of 0 to 2^32−1
 */
export function toLabels({ data }: Npy): Uint32Array {
  if (data instanceof Uint32Array) return data;
  // nothing in them can be no label
  if (data instanceof Uint8Array || data instanceof Uint16Array) {
    return new Uint32Array(data);
  }
  const out = new Uint32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    out[i] = Number(data[i]);
    if (out[i] !== Number(data[i])) {
      throw new ArgumentError("data", `${data[i]} at index ${i} is no label`);
    }
  }
  return out;
}

/** Values of an array as f32, rounded. */
export function toFloats({ data }: Npy): Float32Array {
  if (data instanceof Float32Array) return data;
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
  return out;
}

function parseHeader(header: string) {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const axes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (/'descr'\s*:\s*\[/.test(header)) {
    throw new UnsupportedFormatError("npy record dtype", Object.keys(TYPES));
  }
  if (descr === undefined || order === undefined || axes === undefined) {
    throw corrupt(`the header is ${JSON.stringify(header.slice(0, 80))}`, 10);
  }
  const shape = axes.split(",").map((axis) => axis.trim()).filter(Boolean)
    .map((axis) => Number.parseInt(axis));
  return { descr, isFortran: order === "True", shape };
}

/** 16-bit floats (IEEE 754 binary16) to f32, exactly. */
function widenHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half >> 15 === 0 ? 1 : -1;
    const exponent = half >> 10 & 31;
    const fraction = half & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(TYPES, text);
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) {
    bytes.subarray(at, at + size).reverse();
  }
}

/** Fortran order (first axis fastest) to C order. */
function toRowOrder(data: NpyData, shape: readonly number[]): NpyData {
  const out = data.slice();
  const strides = shape.map((_, axis) =>
    shape.slice(0, axis).reduce((a, b) => a * b, 1)
  );
  const at = shape.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from];
    // count up the last axis first
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++at[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return out;
}

function corrupt(detail: string, offset: number): CorruptImageError {
  return new CorruptImageError("npy", detail, { offset });
}
