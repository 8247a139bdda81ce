/**
 * A pickle reader for data: dicts, lists, numbers, text and NumPy arrays.
 *
 * It has a table of what NumPy's own pickles name, calls nothing, and refuses
 * every other name: a pickle that runs code is an error that tells the name.
 *
 * The length is that of the opcode table.
 *
 * Source: Python's pickletools, protocols 0–5 (those opcodes that data needs).
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

/** Objects on the stack and in the memo at most: bombs grow both. */
const MAX_OBJECTS = 2 ** 22;
const MARK = Symbol("mark");

/**
 * Read a pickle.
 *
 * @param bytes  the pickle; what follows its end is left alone
 * @throws {UnsupportedFormatError} for names other than NumPy's, with the name
 * @throws {CorruptImageError}
 */
export function readPickle(bytes: Uint8Array): Unpickled {
  try {
    return settle(run(bytes));
  } catch (err) {
    if (
      err instanceof UnsupportedFormatError || err instanceof CorruptImageError
    ) throw err;
    // the view's own range errors
    throw corrupt(err instanceof Error ? err.message : String(err), 0);
  }
}

function run(bytes: Uint8Array): Unpickled {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: (Unpickled | typeof MARK)[] = [];
  const memo: Unpickled[] = [];
  // arrays can be made of the same bytes again and again
  const room: Room = { bytes: 2 * bytes.length + 1024 };
  let at = 0;

  const take = (length: number) => {
    if (!(length >= 0 && at + length <= bytes.length)) {
      throw corrupt("it ends early", at);
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  const u8 = () => take(1)[0];
  const u32 = () => view.getUint32((take(4), at - 4), true);
  const u64 = () => Number(view.getBigUint64((take(8), at - 8), true));
  const text = (length: number) => new TextDecoder().decode(take(length));
  const latin = (part: Uint8Array) =>
    Array.from(part, (byte) => String.fromCharCode(byte)).join("");
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw corrupt("a line does not end", at);
    const part = text(end - at);
    at++;
    return part;
  };
  const push = (value: Unpickled | typeof MARK) => {
    if (stack.length > MAX_OBJECTS) throw corrupt("it holds too much", at);
    stack.push(value);
  };
  const pop = (): Unpickled => {
    const value = stack.pop();
    if (value === undefined || value === MARK) {
      throw corrupt("its stack is empty", at);
    }
    return value;
  };
  const popMark = (): Unpickled[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw corrupt("its stack has no mark", at);
    const items = stack.splice(from).slice(1);
    return items as Unpickled[];
  };
  const peek = () => {
    const value = stack.at(-1);
    if (value === undefined || value === MARK) {
      throw corrupt("its stack is empty", at);
    }
    return value;
  };
  const store = (index: number) => {
    if (index > MAX_OBJECTS) throw corrupt(`memo ${index} is too large`, at);
    memo[index] = peek();
  };
  const recall = (index: number) => {
    if (!(index in memo)) throw corrupt(`memo ${index} is empty`, at);
    push(memo[index]);
  };
  const global = (module: string, name: string) => {
    const known = NAMES[`${module} ${name}`];
    if (known === undefined) {
      throw new UnsupportedFormatError(
        `A pickle that names ${module}.${name}`,
        ["dicts, lists, numbers, text and NumPy arrays"],
        { advice: "It may run code when Python loads it: do not load it" },
      );
    }
    push({ kind: "global", name: known });
  };
  const setItems = (target: Unpickled, items: Unpickled[]) => {
    const dict = target instanceof Map ? target : undefined;
    if (!dict || items.length % 2 !== 0) throw corrupt("no dict", at);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const append = (target: Unpickled, items: Unpickled[]) => {
    if (!Array.isArray(target)) throw corrupt("no list", at);
    for (const item of items) target.push(item);
  };

  for (;;) {
    const code = String.fromCharCode(u8());
    switch (code) {
      case "\x80": // PROTO
        u8();
        break;
      case "\x95": // FRAME
        u64();
        break;
      case ".":
        return pop();
      case "(":
        push(MARK);
        break;
      case "0":
        stack.pop();
        break;
      case "1":
        popMark();
        break;
      case "2":
        push(peek());
        break;
      case "N":
        push(null);
        break;
      case "\x88":
        push(true);
        break;
      case "\x89":
        push(false);
        break;
      case "J":
        push(view.getInt32((take(4), at - 4), true));
        break;
      case "K":
        push(u8());
        break;
      case "M":
        push(view.getUint16((take(2), at - 2), true));
        break;
      case "I": {
        const value = line();
        push(value === "01" ? true : value === "00" ? false : Number(value));
        break;
      }
      case "L":
        push(Number(line().replace(/L$/, "")));
        break;
      case "\x8a": // LONG1
        push(toLong(take(u8())));
        break;
      case "F":
        push(Number(line()));
        break;
      case "G":
        push(view.getFloat64((take(8), at - 8)));
        break;
      case "S":
        push(line().replace(/^(['"])(.*)\1$/, "$2"));
        break;
      case "V":
        push(line());
        break;
      case "X":
        push(text(u32()));
        break;
      case "\x8c":
        push(text(u8()));
        break;
      case "\x8d":
        push(text(u64()));
        break;
      case "T":
        push(latin(take(u32())));
        break;
      case "U":
        push(latin(take(u8())));
        break;
      case "B":
        push(take(u32()));
        break;
      case "C":
        push(take(u8()));
        break;
      case "\x8e": // BINBYTES8
      case "\x96": // BYTEARRAY8
        push(take(u64()));
        break;
      case "]":
        push([]);
        break;
      case "}":
        push(new Map());
        break;
      case ")":
        push([]);
        break;
      case "l":
      case "t":
        push(popMark());
        break;
      case "d": {
        const items = popMark();
        const dict = new Map<Unpickled, Unpickled>();
        setItems(dict, items);
        push(dict);
        break;
      }
      case "\x85":
        push([pop()]);
        break;
      case "\x86":
      case "\x87": {
        const items = [pop(), pop()];
        if (code === "\x87") items.push(pop());
        push(items.reverse());
        break;
      }
      case "a": {
        const item = pop();
        append(peek(), [item]);
        break;
      }
      case "e": {
        const items = popMark();
        append(peek(), items);
        break;
      }
      case "s": {
        const value = pop();
        const key = pop();
        setItems(peek(), [key, value]);
        break;
      }
      case "u": {
        const items = popMark();
        setItems(peek(), items);
        break;
      }
      case "c": {
        const module = line();
        global(module, line());
        break;
      }
      case "\x93": { // STACK_GLOBAL
        const name = pop();
        global(String(pop()), String(name));
        break;
      }
      case "R": {
        const args = pop();
        push(reduce(pop(), args, room));
        break;
      }
      case "b": {
        const state = pop();
        build(peek(), state, room);
        break;
      }
      case "p":
        store(Number(line()));
        break;
      case "q":
        store(u8());
        break;
      case "r":
        store(u32());
        break;
      case "\x94": // MEMOIZE
        store(memo.length);
        break;
      case "g":
        recall(Number(line()));
        break;
      case "h":
        recall(u8());
        break;
      case "j":
        recall(u32());
        break;
      default:
        throw new UnsupportedFormatError(
          `The pickle opcode 0x${code.charCodeAt(0).toString(16)}`,
          ["those that data needs"],
        );
    }
  }
}

function isBuild(value: Unpickled): value is Build {
  return typeof value === "object" && value !== null && "kind" in value;
}

/** What a call of one of NumPy's names gives; nothing is called. */
function reduce(callee: Unpickled, args: Unpickled, room: Room): Unpickled {
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
function build(target: Unpickled, state: Unpickled, room: Room): void {
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
interface Room {
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
function settle(
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

function corrupt(detail: string, offset: number): CorruptImageError {
  return new CorruptImageError("pickle", detail, { offset });
}
