import { expect, test } from "vitest";
import { fromBytes } from "../../gpu-worker/import/byte_source.ts";
import { readZip } from "../../gpu-worker/import/read_zip.ts";
import { pack, text } from "./zip.ts";

const list = (bytes: Uint8Array) => readZip(fromBytes(bytes));

test("readZip() reads stored, deflated and zip64 entries, whole and in part", () => {
  const long = text("0123456789".repeat(100));
  const entries = list(pack([
    { name: "a/stored", bytes: long },
    { name: "a/packed", bytes: long, isDeflated: true },
    { name: "wide", bytes: long, isWide: true },
    { name: "a/", bytes: text("") },
  ]));
  expect([...entries.keys()]).toEqual(["a/stored", "a/packed", "wide"]);
  for (const entry of entries.values()) {
    expect(entry.size).toBe(1000);
    expect(entry.read()).toEqual(long);
    expect(entry.read(11, 3)).toEqual(text("123"));
    expect(() => entry.read(999, 2)).toThrow(/needed/);
  }
});

test.each([
  "../evil",
  "a/../../evil",
  "/etc/passwd",
  "C:\\evil",
  "a\\..\\evil",
  "c:evil",
  "a\0b",
])("readZip() refuses the name %j", (name) => {
  expect(() => list(pack([{ name, bytes: text("x") }]))).toThrow(
    /leaves the archive/,
  );
});

test("readZip() takes dots that lead nowhere for names", () => {
  const entries = list(pack([{ name: "..a/b..", bytes: text("x") }]));
  expect([...entries.keys()]).toEqual(["..a/b.."]);
});

test("readZip() refuses an archive cut anywhere", () => {
  const whole = pack([
    { name: "a", bytes: text("some bytes") },
    { name: "b", bytes: text("others"), isDeflated: true },
  ]);
  expect(list(whole).size).toBe(2);
  for (let end = 0; end < whole.length; end++) {
    expect(() => list(whole.subarray(0, end))).toThrow(/zip/);
  }
});

test("readZip() refuses sizes that cannot be", () => {
  const bytes = text("x".repeat(100));
  const bomb = pack([{ name: "a", bytes, isDeflated: true, claimed: 1e6 }]);
  expect(() => list(bomb)).toThrow(/claims 1000000 bytes/);
  const stored = pack([{ name: "a", bytes, claimed: 99 }]);
  expect(() => list(stored)).toThrow(/99 bytes/);
  // more than claimed is never unpacked
  const more = pack([{ name: "a", bytes, isDeflated: true, claimed: 50 }]);
  expect(() => list(more).get("a")?.read()).toThrow(/does not unpack/);
  const twice = pack([{ name: "a", bytes }, { name: "a", bytes }]);
  expect(() => list(twice)).toThrow(/twice/);
});

test("readZip() refuses what is no zip", () => {
  expect(() => list(new Uint8Array(0))).toThrow(/not supported/);
  expect(() => list(text("hello, this is no archive"))).toThrow(/no(t|) /);
});
