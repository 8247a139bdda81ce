/** Scratch memory of the module, and sizes that 32 bits do not hold. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";

const PAGE = 65536;

test("allocate() gives aligned blocks that do not overlap, and grows", () => {
  const { kernels } = new Arena(core.module);
  const base = kernels.mark();
  const initial = kernels.memory.buffer.byteLength;
  let end = base;
  for (const bytes of [0, 1, 15, 16, 17, 0, 9 * PAGE + 3, 8]) {
    const at = kernels.allocate(bytes);
    expect(at % 16).toBe(0);
    expect(at).toBe(end);
    end = at + Math.ceil(bytes / 16) * 16;
    expect(kernels.mark()).toBe(end);
    // whole pages, no more than it takes
    expect(kernels.memory.buffer.byteLength)
      .toBe(Math.max(initial, Math.ceil(end / PAGE) * PAGE));
  }
  kernels.release(base);
  expect(kernels.allocate(64)).toBe(base);
});

test("allocate() returns 0 beyond 4 GiB and takes nothing", () => {
  const { kernels } = new Arena(core.module);
  kernels.allocate(100);
  const before = kernels.mark();
  for (const bytes of [2 ** 32 - 1, 2 ** 32 - 16, 2 ** 32 - before]) {
    expect(kernels.allocate(bytes)).toBe(0);
    expect(kernels.mark()).toBe(before);
  }
  expect(kernels.memory.buffer.byteLength).toBeLessThan(2 ** 20);
});

test("addresses beyond 2 GiB are unsigned", () => {
  const arena = new Arena(core.module);
  const half = 2 ** 31 + 64;
  arena.scope((kernels) => {
    arena.reserve(half);
    const at = arena.put(Float32Array.of(1, 2, 3, 4, 5, NaN));
    expect(at).toBeGreaterThan(2 ** 31);
    expect(kernels.findNaN(at, 6)).toBe(5);
    expect(kernels.findNaN(at, 5)).toBe(-1);
  });
});

test("packedBytes() of what 4 GiB do not hold is refused by allocate()", () => {
  const { kernels } = new Arena(core.module);
  expect(kernels.packedBytes(1, 3, 4)).toBe(5 * 6 * 8 + 16);
  expect(kernels.packedBytes(2, 3, 4)).toBe(4 * 5 * 6 * 12 + 16);
  // 12·4·9492² is 4.3e9: 30 MB once cut to 32 bits
  const edges = [[2, 9490, 9490], [1, 30_000, 30_000], [1, 3, 2 ** 28]];
  for (const [d, h, w] of edges) {
    expect(kernels.allocate(kernels.packedBytes(d, h, w))).toBe(0);
  }
});

test("labelFlows() and boxFlowErrors() return −2 for boxes that 4 GiB do not hold", () => {
  const { kernels } = new Arena(core.module);
  const at = kernels.allocate(64);
  const before = kernels.mark();
  // 2^27 boxes of 32 bytes are 0 bytes once cut to 32 bits
  expect(kernels.labelFlows(at, at + 16, 1, 1, 1, 2 ** 27, 0, 0)).toBe(-2);
  expect(kernels.flowErrors(at, at, at + 16, 1, 1, 1, 2 ** 27, 0, 0)).toBe(-2);
  // a label across 13,400²: 24 bytes a pixel are 4.3e9
  for (const [d, h, w] of [[1, 13_400, 13_400], [700, 500, 512]]) {
    const box = new Int32Array(kernels.memory.buffer, at, 8);
    box.set([0, d, 0, h, 0, w, 1, 0]);
    const call = (parity: number) =>
      kernels.boxFlowErrors(at, at, at, at, 0, d, h, w, 1, 1, 1, parity);
    expect(call(0)).toBe(-2);
    expect(call(1)).toBe(-2);
    expect(kernels.mark()).toBe(before);
  }
});
