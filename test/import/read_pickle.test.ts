import { expect, test } from "vitest";
import { fromBytes } from "../../gpu-worker/import/byte_source.ts";
import { readTensors } from "../../gpu-worker/import/checkpoint.ts";
import { readPickle } from "../../gpu-worker/import/read_pickle.ts";
import { join, pack, text } from "./zip.ts";

const PROTO = Uint8Array.of(0x80, 2);
const STOP = text(".");
const pickle = (...parts: Uint8Array[]) => join(PROTO, ...parts, STOP);
const global = (module: string, name: string) => text(`c${module}\n${name}\n`);
const unicode = (value: string) => {
  const bytes = text(value);
  return join(text("X"), Uint8Array.of(bytes.length, 0, 0, 0), bytes);
};
const int = (value: number) => Uint8Array.of(0x4b, value);

/** A tensor: storage of `length` elements, from `offset`, of an edge. */
function tensor(
  { type = "FloatStorage", key = "0", length = 4, offset = 0, edge = 4 } = {},
): Uint8Array {
  return join(
    global("torch._utils", "_rebuild_tensor_v2"),
    text("(("),
    unicode("storage"),
    global("torch", type),
    unicode(key),
    unicode("cpu"),
    int(length),
    text("tQ"),
    int(offset),
    join(int(edge), Uint8Array.of(0x85)),
    join(int(1), Uint8Array.of(0x85)),
    Uint8Array.of(0x89),
    global("collections", "OrderedDict"),
    text(")R"),
    text("tR"),
  );
}

/** A dictionary of one tensor. */
const state = (value: Uint8Array) =>
  pickle(text("}"), unicode("w"), value, text("s"));

const checkpoint = (data: Uint8Array, storage = new Uint8Array(16)) =>
  fromBytes(pack([
    { name: "m/data.pkl", bytes: data },
    { name: "m/data/0", bytes: storage },
  ]));

test("readTensors() reads a tensor and parts of a storage", () => {
  const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const { tensors } = readTensors(checkpoint(state(tensor()), floats));
  expect([...tensors.keys()]).toEqual(["w"]);
  expect(tensors.get("w")).toMatchObject({ dtype: "f32", shape: [4] });
  expect(tensors.get("w")?.read()).toEqual(floats);
  const part = state(tensor({ offset: 1, edge: 2 }));
  expect(readTensors(checkpoint(part, floats)).tensors.get("w")?.read())
    .toEqual(floats.subarray(4, 12));
});

test.each([
  ["posix", "system"],
  ["builtins", "eval"],
  ["builtins", "getattr"],
  ["os", "popen"],
  ["torch", "load"],
  ["torch._utils", "_rebuild_device_tensor_from_numpy"],
  ["collections", "defaultdict"],
  ["numpy.core.multiarray", "_reconstruct"],
])("readPickle() refuses %s.%s by its name", (module, name) => {
  const call = pickle(
    global(module, name),
    text("("),
    unicode("id"),
    text("tR"),
  );
  expect(() => readPickle(call)).toThrow(`${module}.${name}`);
  // the same by a name put together on the stack
  const stacked = pickle(
    unicode(module),
    unicode(name),
    Uint8Array.of(0x93),
    text(")R"),
  );
  expect(() => readPickle(stacked)).toThrow(`${module}.${name}`);
  expect(() => readTensors(checkpoint(state(call)))).toThrow(/pickle/);
});

test.each([
  ["INST", text("(iposix\nsystem\n")],
  ["OBJ", text("(o")],
  ["NEWOBJ", Uint8Array.of(0x81)],
  ["EXT1", Uint8Array.of(0x82, 1)],
  ["PERSID", text("Pid\n")],
  ["opcode 0xff", Uint8Array.of(0xff)],
])("readPickle() refuses %s", (name, bytes) => {
  expect(() => readPickle(pickle(bytes))).toThrow(name);
});

test("readPickle() sets no state on anything but a dictionary", () => {
  const metadata = pickle(
    global("collections", "OrderedDict"),
    text(")R"),
    text("}"),
    text("b"),
  );
  expect(readPickle(metadata)).toEqual(new Map());
  const list = pickle(text("]"), text("}"), text("b"));
  expect(() => readPickle(list)).toThrow(/state/);
});

test("readPickle() calls no storage and no text", () => {
  const storage = pickle(global("torch", "FloatStorage"), text(")R"));
  expect(() => readPickle(storage)).toThrow("torch.FloatStorage called");
  const callee = pickle(unicode("eval"), text(")R"));
  expect(() => readPickle(callee)).toThrow(/no function/);
});

test("readPickle() refuses tensors beyond their storage", () => {
  expect(() => readPickle(state(tensor({ edge: 5 })))).toThrow(/storage 0/);
  expect(() => readPickle(state(tensor({ offset: 1 })))).toThrow(/element 4/);
  const short = checkpoint(state(tensor()), new Uint8Array(15));
  expect(() => readTensors(short)).toThrow(/15 bytes/);
  const absent = checkpoint(state(tensor({ key: "7" })));
  expect(() => readTensors(absent)).toThrow(/storage 7 of w is missing/);
  const other = state(tensor({ type: "ComplexFloatStorage" }));
  expect(() => readPickle(other)).toThrow("torch.ComplexFloatStorage");
});

test("readPickle() refuses a pickle cut anywhere", () => {
  const whole = state(tensor());
  for (let end = 0; end < whole.length; end++) {
    expect(() => readPickle(whole.subarray(0, end))).toThrow(/pickle/);
  }
});

test("readTensors() advises on files of before PyTorch 1.6", () => {
  // protocol 2, then the magic number as a LONG1 of ten bytes
  const legacy = Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46);
  expect(() => readTensors(fromBytes(legacy))).toThrow(
    /before 1\.6.*weights_only=True and save it again/,
  );
});
