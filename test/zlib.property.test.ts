/** The runtime's zlib and what browsers have give the same bytes. */
import zlib from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRoom } from "../shared/image/inflate_runs.ts";
import { crc32, sumByTable } from "../shared/image/crc32.ts";
import { deflate, inflateInto, inflateWhole } from "../shared/image/zlib.ts";

/** With the runtime's zlib, without one, and as it is chosen. */
const WAYS = [{ zlib }, { zlib: undefined }, undefined];

/** Runs and noise. */
const bytes = fc.array(
  fc.record({
    part: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    times: fc.constantFrom(1, 1, 2, 90),
  }),
  { maxLength: 20 },
).map((parts) =>
  Uint8Array.from(
    parts.flatMap(({ part, times }) =>
      Array.from({ length: times }, () => [...part]).flat()
    ),
  )
);

/** Unpack into fresh room; `undefined` where it is refused. */
function unpack(
  packed: Uint8Array,
  length: number,
  way: { readonly zlib: typeof zlib | undefined } | undefined,
) {
  const room = createRoom(length);
  const held = inflateInto(packed, room, way);
  return held < 0 ? undefined : room.bytes.slice(0, held);
}

test("inflateInto() gives what deflate() packed, each by any way", () => {
  fc.assert(
    fc.property(bytes, fc.constantFrom(0, 1, 4, 9), fc.nat(9), (...given) => {
      const [plain, level, spare] = given;
      for (const packing of WAYS) {
        const packed = deflate(plain, level as 0 | 1 | 4 | 9, packing);
        for (const way of WAYS) {
          expect(unpack(packed, plain.length + spare, way)).toEqual(plain);
        }
      }
    }),
    { numRuns: 150 },
  );
});

test("inflateWhole() gives what was packed, nothing of more or of broken data", () => {
  fc.assert(
    fc.property(bytes, fc.nat(9), (plain, spare) => {
      const packed = deflate(plain, 4);
      expect(inflateWhole(packed, plain.length + spare)).toEqual(plain);
      const cut = packed.subarray(0, packed.length - 5);
      expect(inflateWhole(cut, plain.length)).toBeUndefined();
      if (plain.length < 2) return;
      expect(inflateWhole(packed, plain.length - 1)).toBeUndefined();
    }),
    { numRuns: 50 },
  );
  const packed = deflate(new Uint8Array(9), 4);
  expect(inflateWhole(packed, 9, { zlib: undefined })).toBeUndefined();
});

test("crc32() is the same with the runtime's zlib and without", () => {
  fc.assert(
    fc.property(bytes, (plain) => {
      expect(sumByTable(plain)).toBe(zlib.crc32(plain));
      expect(crc32(plain)).toBe(zlib.crc32(plain));
    }),
    { numRuns: 50 },
  );
});

test("inflateInto() refuses by any way what does not fit or ends early", () => {
  const plain = Uint8Array.from({ length: 3000 }, (_, i) => (i * i) >> 5);
  const packed = deflate(plain, 4);
  for (const way of WAYS) {
    expect(unpack(packed, 2992, way)).toBeUndefined();
    for (let end = 0; end < packed.length - 4; end += 37) {
      expect(unpack(packed.subarray(0, end), 3000, way)).toBeUndefined();
    }
  }
});

test("inflateInto() gives the same by any way of damaged data, or refuses it", () => {
  const plain = Uint8Array.from({ length: 2000 }, (_, i) => (i * i) >> 7);
  const packed = deflate(plain, 6);
  // the checksum, and bytes behind the data, do not matter
  const unsummed = Uint8Array.from(packed);
  unsummed[unsummed.length - 1] ^= 1;
  const longer = Uint8Array.from([...packed, 1, 2, 3]);
  for (const way of WAYS) {
    expect(unpack(unsummed, 2000, way)).toEqual(plain);
    expect(unpack(longer, 2000, way)).toEqual(plain);
  }
  fc.assert(
    fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (
      at,
      flip,
    ) => {
      const damaged = Uint8Array.from(packed);
      damaged[at] ^= flip;
      const [ours, theirs] = [WAYS[1], WAYS[0]]
        .map((way) => unpack(damaged, 2000, way));
      expect(theirs).toEqual(ours);
    }),
    { numRuns: 300 },
  );
});

test("inflateInto() lets the runtime unpack no more than the room", () => {
  const bomb = deflate(new Uint8Array(2 ** 26), 9);
  for (const way of WAYS) expect(unpack(bomb, 4096, way)).toBeUndefined();
  const limits: number[] = [];
  const watched = {
    ...zlib,
    inflateSync(
      packed: Uint8Array,
      options: { maxOutputLength: number; chunkSize: number },
    ) {
      limits.push(options.maxOutputLength, options.chunkSize);
      return zlib.inflateSync(packed, options);
    },
  };
  expect(inflateInto(bomb, createRoom(4096), { zlib: watched })).toBe(-1);
  expect(limits).toEqual([4096, 4096]);
});
