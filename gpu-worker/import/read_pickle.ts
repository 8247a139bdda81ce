/**
 * Read the pickle of a checkpoint without running it.
 *
 * A pickle is a program that may call any function; this reader knows a few
 * names that rebuild tensors and refuses every other by its name. It never
 * calls, imports or evaluates anything.
 *
 * Apart from shared/image/pickle_read.ts, which knows NumPy's names and no
 * tensors: neither list of names is to grow by the other's. The length is that
 * of the switch over opcodes.
 *
 * Source: CPython's pickletools (opcodes); torch.serialization (names).
 *
 * @module
 */
import {
  CorruptImageError,
  UnsupportedFormatError,
} from "../../shared/errors.ts";
import type { Dtype } from "../../shared/graph/mod.ts";
import { opcodes, type Operand } from "./pickle_opcodes.ts";

/** A tensor's place in a storage; strides and offset count elements. */
export interface PickledTensor {
  readonly kind: "tensor";
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A storage: the elements of one or more tensors. */
export interface PickledStorage {
  readonly kind: "storage";
  readonly dtype: Dtype;
  /** Name of the entry in the archive. */
  readonly key: string;
  /** Number of elements. */
  readonly length: number;
}

/** Name of a class or function, not the thing itself. */
export interface PickledGlobal {
  readonly kind: "global";
  readonly name: string;
}

/** What a pickle may hold. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | PickledTensor
  | PickledStorage
  | PickledGlobal;

const STORAGES: Readonly<Record<string, Dtype>> = {
  "torch.FloatStorage": "f32",
  "torch.DoubleStorage": "f64",
  "torch.HalfStorage": "f16",
  "torch.BFloat16Storage": "bf16",
  "torch.LongStorage": "i64",
  "torch.IntStorage": "i32",
  "torch.ShortStorage": "i16",
  "torch.CharStorage": "i8",
  "torch.ByteStorage": "u8",
  "torch.BoolStorage": "bool",
};

const REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2";
const REBUILD_PARAMETER = "torch._utils._rebuild_parameter";
const ORDERED_DICT = "collections.OrderedDict";
const SIZE = "torch.Size";

/** Every name that is known; all others are refused. */
const KNOWN = new Set([
  ...Object.keys(STORAGES),
  REBUILD_TENSOR,
  REBUILD_PARAMETER,
  ORDERED_DICT,
  SIZE,
]);

const MARK: unique symbol = Symbol("mark");
/** Values on the stack or in the memo: far more than a checkpoint needs. */
const MAX_VALUES = 10_000_000;

/**
 * Read a pickle.
 *
 * @param bytes  the whole pickle, protocol 2 to 5
 * @throws {UnsupportedFormatError} with the name of a function or class that
 *   is none of the known ones, or of an opcode that needs one
 * @throws {CorruptImageError} if it is cut short or contradicts itself
 */
export function readPickle(bytes: Uint8Array): Pickled {
  const stack: (Pickled | typeof MARK)[] = [];
  const memo = new Map<number, Pickled>();

  const pop = (): Pickled => {
    const top = stack.pop();
    if (top === undefined || top === MARK) throw corrupt("its stack is empty");
    return top;
  };
  const popToMark = (): Pickled[] => {
    const at = stack.lastIndexOf(MARK);
    if (at < 0) throw corrupt("a mark is missing");
    return stack.splice(at).slice(1) as Pickled[];
  };
  const peek = (): Pickled => {
    const top = stack.at(-1);
    if (top === undefined || top === MARK) throw corrupt("its stack is empty");
    return top;
  };

  for (const { name, operand, offset } of opcodes(bytes)) {
    if (stack.length + memo.size > MAX_VALUES) throw corrupt("it is too large");
    switch (name) {
      case "PROTO":
      case "FRAME":
        break;
      case "STOP":
        return pop();
      case "MARK":
        stack.push(MARK);
        break;
      case "POP":
        stack.pop();
        break;
      case "CONSTANT":
        stack.push(operand as Pickled);
        break;
      case "EMPTY_DICT":
        stack.push(new Map());
        break;
      case "EMPTY_LIST":
      case "EMPTY_TUPLE":
        stack.push([]);
        break;
      case "TUPLE":
      case "LIST":
        stack.push(popToMark());
        break;
      case "TUPLE_N":
        stack.push(popCount(pop, Number(operand)));
        break;
      case "DICT": {
        const made = new Map<Pickled, Pickled>();
        setItems(made, popToMark());
        stack.push(made);
        break;
      }
      case "SETITEM": {
        const pair = popCount(pop, 2);
        setItems(peek(), pair);
        break;
      }
      case "SETITEMS": {
        const pairs = popToMark();
        setItems(peek(), pairs);
        break;
      }
      case "APPEND": {
        const item = pop();
        appendAll(peek(), [item]);
        break;
      }
      case "APPENDS": {
        const items = popToMark();
        appendAll(peek(), items);
        break;
      }
      case "PUT":
        memo.set(Number(operand), peek());
        break;
      case "MEMOIZE":
        memo.set(memo.size, peek());
        break;
      case "GET": {
        const known = memo.get(Number(operand));
        if (known === undefined) throw corrupt(`memo ${operand} is empty`);
        stack.push(known);
        break;
      }
      case "GLOBAL":
        stack.push(findGlobal(asText(operand)));
        break;
      case "STACK_GLOBAL": {
        const [module, attribute] = popCount(pop, 2);
        stack.push(findGlobal(`${module}.${attribute}`));
        break;
      }
      case "PERSISTENT":
        stack.push(loadStorage(pop()));
        break;
      case "REDUCE": {
        const [callee, args] = popCount(pop, 2);
        stack.push(rebuild(callee, args));
        break;
      }
      case "BUILD":
        // a state dictionary's _metadata: versions of modules, not needed
        pop();
        if (!(peek() instanceof Map)) throw refused("an object with a state");
        break;
      default:
        throw refused(`${name} at byte ${offset}`);
    }
  }
  throw corrupt("it is cut short");
}

function findGlobal(name: string): PickledGlobal {
  if (!KNOWN.has(name)) throw refused(name);
  return { kind: "global", name };
}

function rebuild(callee: Pickled, args: Pickled): Pickled {
  if (!isKind(callee, "global") || !Array.isArray(args)) {
    throw refused("a value that is no function");
  }
  switch (callee.name) {
    case ORDERED_DICT: {
      const made = new Map<Pickled, Pickled>();
      for (const pair of args.length > 0 ? asList(args[0]) : []) {
        setItems(made, asList(pair));
      }
      return made;
    }
    case SIZE:
      return asList(args[0]);
    case REBUILD_PARAMETER:
      return args[0];
    case REBUILD_TENSOR:
      return rebuildTensor(args);
    default:
      throw refused(`${callee.name} called as a function`);
  }
}

function rebuildTensor(
  [storage, offset, shape, strides]: Pickled[],
): PickledTensor {
  if (!isKind(storage, "storage")) throw corrupt("a tensor has no storage");
  const edges = asCounts(shape);
  const steps = asCounts(strides);
  const start = asCounts([offset])[0];
  if (edges.length !== steps.length) {
    throw corrupt(
      `a tensor has ${edges.length} edges, ${steps.length} strides`,
    );
  }
  const count = edges.reduce((a, b) => a * b, 1);
  if (!(count <= storage.length)) {
    throw corrupt(
      `a tensor of ${
        edges.join("×")
      } repeats elements of storage ${storage.key}, which has ${storage.length}`,
    );
  }
  const last = edges.reduce((at, edge, i) => at + (edge - 1) * steps[i], start);
  if (!edges.includes(0) && !(last < storage.length)) {
    throw corrupt(
      `a tensor of ${
        edges.join("×")
      } needs element ${last} of storage ${storage.key}, which has ${storage.length}`,
    );
  }
  return {
    kind: "tensor",
    storage,
    offset: start,
    shape: edges,
    strides: steps,
  };
}

function loadStorage(id: Pickled): PickledStorage {
  const [tag, type, key, , length] = asList(id);
  if (tag !== "storage" || !isKind(type, "global") || typeof key !== "string") {
    throw refused(`a persistent object ${String(tag).slice(0, 40)}`);
  }
  if (!Object.hasOwn(STORAGES, type.name)) throw refused(type.name);
  return {
    kind: "storage",
    dtype: STORAGES[type.name],
    key,
    length: asCounts([length])[0],
  };
}

function setItems(target: Pickled, pairs: Pickled[]): void {
  if (!(target instanceof Map)) throw corrupt("items are set on no dictionary");
  if (pairs.length % 2 !== 0) throw corrupt("a key has no value");
  for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i], pairs[i + 1]);
}

function appendAll(target: Pickled, items: Pickled[]): void {
  if (!Array.isArray(target)) throw corrupt("items are appended to no list");
  for (const item of items) target.push(item);
}

function popCount(pop: () => Pickled, count: number): Pickled[] {
  return Array.from({ length: count }, pop).reverse();
}

function isKind<Kind extends "global" | "storage" | "tensor">(
  value: Pickled,
  kind: Kind,
): value is Extract<Pickled, { kind: Kind }> {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === kind;
}

function asList(value: Pickled): Pickled[] {
  if (Array.isArray(value)) return value;
  throw corrupt("a list is missing");
}

function asCounts(value: Pickled): number[] {
  return asList(value).map((count) => {
    if (
      typeof count === "number" && Number.isSafeInteger(count) && count >= 0
    ) {
      return count;
    }
    throw corrupt(`a size is ${String(count)}`);
  });
}

function asText(operand: Operand): string {
  if (typeof operand === "string") return operand;
  throw corrupt("a name is missing");
}

function refused(found: string): UnsupportedFormatError {
  return new UnsupportedFormatError(
    `A checkpoint whose pickle holds ${found}`,
    [
      "tensors, parameters and dictionaries of them",
    ],
  );
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("pickle", detail);
}
