import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { CoreMemoryError } from "../wasm/mod.ts";
import { core } from "./core.ts";

test("scope() frees what it reserved when the call returns or throws", () => {
  const arena = new Arena(core.module);
  const before = arena.kernels.mark();
  arena.scope(() => arena.reserve(100));
  expect(arena.kernels.mark()).toBe(before);
  expect(() =>
    arena.scope(() => {
      arena.reserve(1000);
      throw new Error("x");
    })
  ).toThrow("x");
  expect(arena.kernels.mark()).toBe(before);
});

test("scope() gives back the memory of a large call", () => {
  const arena = new Arena(core.module);
  arena.scope(() => arena.reserve(600 * 2 ** 20));
  expect(arena.bytes).toBeLessThan(2 ** 20);
});

test("reserve() throws a CoreMemoryError beyond 4 GiB", () => {
  const arena = new Arena(core.module);
  expect(() => arena.scope(() => arena.reserve(2 ** 32))).toThrow(
    CoreMemoryError,
  );
  expect(() => arena.scope(() => arena.reserve(2 ** 33))).toThrow(
    CoreMemoryError,
  );
});
