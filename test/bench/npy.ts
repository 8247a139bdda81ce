/**
 * Read and write NumPy's `.npy` files: little-endian, C order, no objects.
 *
 * Source: NumPy Enhancement Proposal 1, format versions 1.0 and 2.0.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";

/** Element types by NumPy's type string. */
const TYPES = {
  "|u1": Uint8Array,
  "|b1": Uint8Array,
  "<u2": Uint16Array,
  "<u4": Uint32Array,
  "<i2": Int16Array,
  "<i4": Int32Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
} as const;

type TypeString = keyof typeof TYPES;
export type NpyData = InstanceType<(typeof TYPES)[TypeString]>;

/** An array with its shape, slowest axis first. */
export interface Npy<T extends NpyData = NpyData> {
  readonly data: T;
  readonly shape: readonly number[];
}

/** Read a file, unpacked if it is a `.gz`; 64-bit integers become Int32Array. */
export async function readNpy(path: string): Promise<Npy> {
  const file = await readFile(path);
  const bytes = path.endsWith(".gz") ? gunzipSync(file) : file;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || view.getUint32(0) !== 0x934e554d) {
    throw new Error(`${path} is not a .npy file`);
  }
  const isFirst = bytes[6] === 1;
  const start = isFirst ? 10 : 12;
  const end = start +
    (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, end));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "";
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",").map((edge) => edge.trim()).filter((edge) => edge !== "")
    .map(Number);
  if (/'fortran_order':\s*True/.test(header)) {
    throw new Error(`${path} is in Fortran order; save it in C order`);
  }
  // a copy, so that elements are aligned
  const body = bytes.buffer.slice(
    bytes.byteOffset + end,
    bytes.byteOffset + bytes.byteLength,
  ) as ArrayBuffer;
  if (type === "<i8" || type === "<u8") {
    return { data: Int32Array.from(new BigInt64Array(body), Number), shape };
  }
  const Type = TYPES[type as TypeString];
  if (Type === undefined) {
    throw new Error(`${path} has element type ${type || "?"}, not supported`);
  }
  return { data: new Type(body), shape };
}

/** Write an array of `shape`. */
export async function writeNpy(
  path: string,
  data: NpyData,
  shape: readonly number[],
): Promise<void> {
  const type = Object.entries(TYPES)
    .find(([, Type]) => data instanceof Type)?.[0];
  const edges = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text =
    `{'descr': '${type}', 'fortran_order': False, 'shape': (${edges}), }`;
  // the header's end is aligned to 64 bytes
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = new Uint8Array(10 + length).fill(0x20);
  head.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(head.buffer).setUint16(8, length, true);
  head.set(new TextEncoder().encode(text), 10);
  head[9 + length] = 0x0a;
  const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const file = new Uint8Array(head.length + body.length);
  file.set(head);
  file.set(body, head.length);
  await writeFile(path, file);
}
