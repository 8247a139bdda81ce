/** Inflating into an array of known size, against zlib. */
import { constants, deflateSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRoom, inflateRuns } from "../shared/image/inflate_runs.ts";

/** Bytes as images have them: runs of samples of 1, 2, 3 or 4 bytes, and noise. */
const bytes = fc.array(
  fc.oneof(
    fc.record({
      sample: fc.uint8Array({ minLength: 1, maxLength: 4 }),
      times: fc.integer({ min: 1, max: 400 }),
    }),
    fc.record({
      sample: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      times: fc.constantFrom(1, 2),
    }),
  ),
  { maxLength: 30 },
).map((parts) =>
  Uint8Array.from(
    parts.flatMap(({ sample, times }) =>
      Array.from({ length: times }, () => [...sample]).flat()
    ),
  )
);
const packing = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

test("inflateRuns() gives the bytes that zlib packed", () => {
  fc.assert(
    fc.property(bytes, packing, fc.nat(9), (plain, options, spare) => {
      const room = createRoom(plain.length + spare);
      // what is left of a strip before must not show
      room.bytes.fill(0xee);
      expect(inflateRuns(new Uint8Array(deflateSync(plain, options)), room))
        .toBe(plain.length);
      expect(room.bytes.subarray(0, plain.length)).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});

test("inflateRuns() unpacks codes of every length", () => {
  // symbols twice as frequent as the next have codes of 1, 2, 3 … bits
  const plain = Uint8Array.from(
    Array.from({ length: 15 }, (_, k) => new Array(1 << k).fill(k)).flat()
      .map((value, i, all) => [value, all[i * 7919 % all.length]]).flat(),
  );
  const room = createRoom(plain.length);
  const packed = deflateSync(plain, { strategy: constants.Z_HUFFMAN_ONLY });
  expect(inflateRuns(new Uint8Array(packed), room)).toBe(plain.length);
  expect(room.bytes.subarray(0, plain.length)).toEqual(plain);
});

test("inflateRuns() refuses more than its room, and data that ends early", () => {
  const plain = new Uint8Array(1000).fill(3);
  const packed = new Uint8Array(deflateSync(plain));
  const small = createRoom(996);
  expect(inflateRuns(packed, small)).toBe(-1);
  for (let end = 0; end < packed.length - 4; end++) {
    expect(inflateRuns(packed.subarray(0, end), createRoom(1000))).toBe(-1);
  }
});

test("inflateRuns() ends on any bytes, within its room", () => {
  fc.assert(
    fc.property(bytes, packing, fc.array(fc.tuple(fc.nat(), fc.nat(255))), (
      plain,
      options,
      damage,
    ) => {
      const packed = new Uint8Array(deflateSync(plain, options));
      for (const [at, value] of damage) packed[at % packed.length] = value;
      const held = inflateRuns(packed, createRoom(plain.length));
      expect(held).toBeGreaterThanOrEqual(-1);
      expect(held).toBeLessThanOrEqual(plain.length + 3);
    }),
    { numRuns: 300 },
  );
});
