/**
 * A pickle reader for data: dicts, lists, numbers, text and NumPy arrays.
 *
 * It calls nothing: see `pickle_objects.ts` for what names stand for, and
 * `pickle_values.ts` for opcodes that are values. Here are those that move them
 * about. The length is that of the opcode table.
 *
 * Source: Python's pickletools, protocols 0–5 (those opcodes that data needs).
 *
 * @module
 */
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import {
  build,
  corrupt,
  findName,
  reduce,
  type Room,
  settle,
  type Unpickled,
} from "./pickle_objects.ts";
import { openPickle, readValue } from "./pickle_values.ts";

export type { Unpickled, UnpickledArray } from "./pickle_objects.ts";

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
  const input = openPickle(bytes);
  const { at, u8, line } = input;
  const stack: (Unpickled | typeof MARK)[] = [];
  const memo: Unpickled[] = [];
  // arrays can be made of the same bytes again and again
  const room: Room = { bytes: 2 * bytes.length + 1024 };

  const push = (value: Unpickled | typeof MARK) => {
    if (stack.length > MAX_OBJECTS) throw corrupt("it holds too much", at());
    stack.push(value);
  };
  const pop = (): Unpickled => {
    const value = stack.pop();
    if (value === undefined || value === MARK) {
      throw corrupt("its stack is empty", at());
    }
    return value;
  };
  const popMark = (): Unpickled[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw corrupt("its stack has no mark", at());
    const items = stack.splice(from).slice(1);
    return items as Unpickled[];
  };
  const peek = () => {
    const value = stack.at(-1);
    if (value === undefined || value === MARK) {
      throw corrupt("its stack is empty", at());
    }
    return value;
  };
  const store = (index: number) => {
    if (index > MAX_OBJECTS) throw corrupt(`memo ${index} is too large`, at());
    memo[index] = peek();
  };
  const recall = (index: number) => {
    if (!(index in memo)) throw corrupt(`memo ${index} is empty`, at());
    push(memo[index]);
  };
  const setItems = (target: Unpickled, items: Unpickled[]) => {
    const dict = target instanceof Map ? target : undefined;
    if (!dict || items.length % 2 !== 0) throw corrupt("no dict", at());
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const append = (target: Unpickled, items: Unpickled[]) => {
    if (!Array.isArray(target)) throw corrupt("no list", at());
    for (const item of items) target.push(item);
  };

  for (;;) {
    const code = String.fromCharCode(u8());
    const value = readValue(code, input);
    if (value !== undefined) {
      push(value);
      continue;
    }
    switch (code) {
      case "\x80": // PROTO
        u8();
        break;
      case "\x95": // FRAME
        input.u64();
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
        push(findName(module, line()));
        break;
      }
      case "\x93": { // STACK_GLOBAL
        const name = pop();
        push(findName(String(pop()), String(name)));
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
        store(input.u32());
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
        recall(input.u32());
        break;
      default:
        throw new UnsupportedFormatError(
          `The pickle opcode 0x${code.charCodeAt(0).toString(16)}`,
          ["those that data needs"],
        );
    }
  }
}
