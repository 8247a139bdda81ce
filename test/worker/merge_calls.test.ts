import { expect, test } from "vitest";
import { mergeCalls } from "../../gpu-worker/merge_calls.ts";
import { ModelError } from "../../shared/errors.ts";
import type { Encoder, TileBatch } from "../../shared/pipeline/encoder.ts";
import { createIdentity } from "../pipeline/fake_encoder.ts";

const SIDE = 16;

function tiles(count: number, value: number, side = SIDE): TileBatch {
  const data = new Float32Array(count * 3 * side * side).fill(value);
  return { data, count, channels: 3, height: side, width: side };
}

/** An encoder that answers when told to. */
function held(fake: Encoder) {
  const gates: (() => void)[] = [];
  return {
    open: () => gates.shift()?.(),
    encoder: {
      ...fake,
      async encode(batch: TileBatch) {
        await new Promise<void>((resolve) => gates.push(resolve));
        return await fake.encode(batch);
      },
    },
  };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

test("mergeCalls() starts at once, then joins what came meanwhile; each gets its own", async () => {
  const fake = createIdentity();
  const { encoder, open } = held(fake);
  const merged = mergeCalls(encoder);
  const calls = [1, 2, 3].map((value) => merged.encode(tiles(value, value)));
  open();
  await settle();
  open();
  const results = await Promise.all(calls);
  expect(fake.batches).toEqual([1, 5]);
  results.forEach(({ outputs }, i) => {
    expect(outputs).toHaveLength((i + 1) * 3 * SIDE * SIDE);
    expect(new Set(outputs)).toEqual(new Set([i + 1]));
  });
});

test("mergeCalls() keeps batches within its limit and tiles of other sizes apart", async () => {
  const fake = createIdentity();
  const merged = mergeCalls(fake, 4);
  await Promise.all([
    merged.encode(tiles(1, 0)),
    merged.encode(tiles(3, 1)),
    merged.encode(tiles(1, 2, 32)),
    merged.encode(tiles(2, 3)),
    merged.encode(tiles(1, 4)),
    merged.encode(tiles(1, 5, 32)),
  ]);
  // 3+1 of one size; both of the other; the two that did not fit
  expect(fake.batches).toEqual([1, 4, 2, 2]);
});

test("mergeCalls() tells each call its share of the time", async () => {
  const fake = createIdentity();
  const { encoder, open } = held(fake);
  const merged = mergeCalls(encoder);
  const calls = [1, 1, 3].map((count) => merged.encode(tiles(count, 0)));
  open();
  await settle();
  open();
  const [, small, large] = await Promise.all(calls);
  expect(large.encodeMs).toBeCloseTo(3 * Number(small.encodeMs), 9);
});

test("mergeCalls() runs calls one by one where they do not fit together", async () => {
  const fake = createIdentity({ maxBatch: 2 });
  const merged = mergeCalls(fake);
  const results = await Promise.allSettled([
    merged.encode(tiles(1, 0)),
    merged.encode(tiles(2, 1)),
    merged.encode(tiles(3, 2)),
    merged.encode(tiles(1, 3)),
  ]);
  expect(fake.batches).toEqual([1, 6, 2, 3, 1]);
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("mergeCalls() hands a failure to all it concerns and goes on", async () => {
  let fails = true;
  const fake = createIdentity();
  const merged = mergeCalls({
    ...fake,
    encode: (batch) =>
      fails
        ? Promise.reject(new ModelError("m", "broken"))
        : fake.encode(batch),
  });
  const first = await Promise.allSettled(
    [1, 2].map((count) => merged.encode(tiles(count, 0))),
  );
  expect(first.every(({ status }) => status === "rejected")).toBe(true);
  fails = false;
  await expect(merged.encode(tiles(1, 7))).resolves.toBeDefined();
});

test("mergeCalls() only takes turns on a processor", async () => {
  const fake = createIdentity();
  const merged = mergeCalls({ ...fake, provider: "cpu" });
  await Promise.all([1, 2, 1].map((count) => merged.encode(tiles(count, 0))));
  expect(fake.batches).toEqual([1, 2, 1]);
});
