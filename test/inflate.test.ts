import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { CorruptImageError } from "../shared/errors.ts";
import { inflate, inflateFast } from "../shared/image/inflate.ts";

const PNG = { format: "png" };
const data = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 7);
const packed = new Uint8Array(deflateSync(data));

test("inflateFast() gives what inflate() gives", async () => {
  for (const length of [0, 1, 16_383, 16_384, 16_385, 200_000]) {
    const part = data.subarray(0, length);
    const bytes = new Uint8Array(deflateSync(part));
    expect(await inflateFast(bytes, length, PNG)).toEqual(part);
    expect(inflate(bytes, length, PNG)).toEqual(part);
  }
});

test("inflateFast() ends with what a header promised", async () => {
  const bomb = new Uint8Array(deflateSync(new Uint8Array(50 * 2 ** 20)));
  for (const most of [0, 100, 2 ** 20]) {
    await expect(inflateFast(bomb, most, PNG)).rejects
      .toThrow(/more than the \d+ bytes of its header/);
  }
});

test("inflateFast() ignores what follows the data, and what is wrong behind it", async () => {
  const longer = new Uint8Array(packed.length + 40_000).fill(7);
  longer.set(packed);
  expect(await inflateFast(longer, data.length, PNG)).toEqual(data);
  const unsummed = packed.slice();
  unsummed[unsummed.length - 1] ^= 1;
  expect(await inflateFast(unsummed, data.length, PNG)).toEqual(data);
});

test("inflateFast() refuses what inflate() refuses", async () => {
  const damaged = Array.from({ length: 60 }, (_, i) => {
    const bytes = packed.slice(0, i % 2 === 0 ? packed.length : 31 * i);
    if (bytes.length > 0) bytes[(i * 97) % bytes.length] ^= 1 + i;
    return bytes;
  });
  for (const bytes of [...damaged, new Uint8Array(0)]) {
    const want = attempt(() => inflate(bytes, data.length, PNG));
    const got = await inflateFast(bytes, data.length, PNG).catch((err) => err);
    if (want instanceof Error) expect(got).toBeInstanceOf(CorruptImageError);
    else expect(got).toEqual(want);
  }
});

function attempt(run: () => Uint8Array): Uint8Array | Error {
  try {
    return run();
  } catch (err) {
    return err as Error;
  }
}
