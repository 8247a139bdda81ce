/**
 * What a pickle's names and calls stand for: NumPy's arrays and little else.
 * Nothing is called; a name that is not in the table is an error that tells it.
 *
 * @module
 */
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import { decodeNpyArray, type NpyData, type NpyLayout } from "./npy.ts";

/** An array within a pickle. */
export interface UnpickledArray {
  readonly data: NpyData;
  readonly shape: readonly number[];
}

/** What a pickle holds. */
export type Unpickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Unpickled[]
  | Map<Unpickled, Unpickled>
  | UnpickledArray
  | Build;

/** A named constructor, and an object under construction. */
interface Build {
  readonly kind: "global" | "array" | "dtype" | "objects";
  readonly name: string;
  args?: Unpickled;
  /** What BUILD made of it. */
  value?: Unpickled;
}

/** Names that NumPy's pickles hold; modules moved between versions. */
const NAMES: Readonly<Record<string, string>> = {
  "numpy.core.multiarray _reconstruct": "_reconstruct",
  "numpy._core.multiarray _reconstruct": "_reconstruct",
  "numpy.core.multiarray scalar": "scalar",
  "numpy._core.multiarray scalar": "scalar",
  "numpy.core.numeric _frombuffer": "_frombuffer",
  "numpy._core.numeric _frombuffer": "_frombuffer",
  "numpy ndarray": "ndarray",
  "numpy dtype": "dtype",
  "_codecs encode": "encode",
  "pathlib PosixPath": "path",
  "pathlib WindowsPath": "path",
  "pathlib._local PosixPath": "path",
  "pathlib._local WindowsPath": "path",
  "collections OrderedDict": "dict",
};

/**
 * What a name stands for.
 *
 * @throws {UnsupportedFormatError} for names other than NumPy's
 */
export function findName(module: string, name: string): Unpickled {
  const known = NAMES[`${module} ${name}`];
  if (known !== undefined) return { kind: "global", name: known };
  throw new UnsupportedFormatError(
    `A pickle that names ${module}.${name}`,
    ["dicts, lists, numbers, text and NumPy arrays"],
    { advice: "It may run code when Python loads it: do not load it" },
  );
}

function isBuild(value: Unpickled): value is Build {
  return typeof value === "object" && value !== null && "kind" in value;
}

/** What a call of one of NumPy's names gives; nothing is called. */
export function reduce(
  callee: Unpickled,
  args: Unpickled,
  room: Room,
): Unpickled {
  if (!isBuild(callee) || callee.kind !== "global" || !Array.isArray(args)) {
    throw corrupt("it calls what is no name", 0);
  }
  switch (callee.name) {
    case "_reconstruct":
      return { kind: "array", name: "ndarray" };
    case "dtype":
      return { kind: "dtype", name: String(args[0]), args: "<" };
    case "dict":
      return new Map();
    case "path":
      return args.map(String).join("/").replace(/^\/\//, "/");
    case "encode": // bytes, as protocol 2 spells them
      return toBytes(String(args[0]), room);
    case "scalar": {
      const array = makeArray([], args[0], args[1], room);
      return array instanceof Array ? array[0] : scalarOf(array);
    }
    case "_frombuffer":
      return makeArray(args[2], args[1], args[0], room, args[3] === "F");
    default:
      throw corrupt(`it calls ${callee.name}`, 0);
  }
}

/** `__setstate__` of arrays and dtypes. */
export function build(target: Unpickled, state: Unpickled, room: Room): void {
  if (!isBuild(target) || !Array.isArray(state)) {
    throw corrupt("it builds what is no array", 0);
  }
  if (target.kind === "dtype") target.args = state[1];
  else if (target.kind === "array") {
    target.value = makeArray(
      state[1],
      state[2],
      state[4],
      room,
      state[3] === true,
    );
  } else throw corrupt("it builds a name", 0);
}

function makeArray(
  shape: Unpickled,
  dtype: Unpickled,
  content: Unpickled,
  room: Room,
  isFortran = false,
): UnpickledArray | Unpickled[] {
  if (!isBuild(dtype) || dtype.kind !== "dtype" || !Array.isArray(shape)) {
    throw corrupt("an array has no dtype or shape", 0);
  }
  // arrays of objects are lists
  if (dtype.name.startsWith("O") && Array.isArray(content)) return content;
  const bytes = typeof content === "string" ? toBytes(content, room) : content;
  if (!(bytes instanceof Uint8Array)) throw corrupt("an array has no data", 0);
  const order = dtype.args === ">" ? ">" : dtype.args === "|" ? "|" : "<";
  const layout: NpyLayout = {
    descr: order + dtype.name.replace(/^[<>|=]/, ""),
    isFortran,
    shape: shape.map(Number),
  };
  spend(room, bytes.length);
  const { data } = decodeNpyArray(bytes, layout);
  return { data, shape: layout.shape };
}

/** Bytes that arrays may still take. */
export interface Room {
  bytes: number;
}

function spend(room: Room, bytes: number): void {
  room.bytes -= bytes;
  if (room.bytes < 0) throw corrupt("its arrays hold more than the file", 0);
}

function toBytes(text: string, room: Room): Uint8Array {
  spend(room, text.length);
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function scalarOf({ data }: UnpickledArray): Unpickled {
  const [value] = data;
  return value === undefined ? null : value;
}

/** Replace built objects by what they are; shared ones are visited once. */
export function settle(
  value: Unpickled,
  seen: Set<Unpickled> = new Set(),
  depth = 0,
): Unpickled {
  if (depth > 100) throw corrupt("it is nested too deeply", 0);
  if (isBuild(value)) {
    if (value.value === undefined) throw corrupt("an array has no state", 0);
    return settle(value.value, seen, depth + 1);
  }
  if (typeof value !== "object" || value === null || seen.has(value)) {
    return value;
  }
  seen.add(value);
  const inner = (item: Unpickled) => settle(item, seen, depth + 1);
  if (Array.isArray(value)) {
    value.forEach((item, i) => value[i] = inner(item));
  } else if (value instanceof Map) {
    for (const [key, item] of value) value.set(key, inner(item));
  }
  return value;
}

/** A pickle's error. */
export function corrupt(detail: string, offset: number): CorruptImageError {
  return new CorruptImageError("pickle", detail, { offset });
}
