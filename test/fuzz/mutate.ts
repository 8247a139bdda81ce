/**
 * Damage to files: plans that fast-check draws, and their application.
 *
 * @module
 */
import fc from "fast-check";

/** One damage; positions are shares of the file's length, or bytes from 1 on. */
export type Damage =
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "write"; readonly at: number; readonly value: number }
  | { readonly kind: "zero"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number }
  | {
    readonly kind: "insert";
    readonly at: number;
    readonly bytes: Uint8Array;
  };

/** Numbers that sizes and offsets go wrong at. */
const EXTREMES = [
  0,
  1,
  -1,
  0x7f,
  0xff,
  0x7fff,
  0xffff,
  0x10000,
  0x7fffffff,
  0x80000000 | 0,
];

// headers are short: half of the damage is done there, behind the magic number
// that every reader looks at first
const share = fc.oneof(
  fc.integer({ min: 0, max: 999_999 }).map((millionths) => millionths / 1e6),
  fc.integer({ min: 4, max: 300 }),
);

/** One to four damages. */
export const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("cut" as const), at: share }),
    fc.record({
      kind: fc.constant("flip" as const),
      at: share,
      bit: fc.nat(7),
    }),
    fc.record({
      kind: fc.constant("write" as const),
      at: share,
      value: fc.constantFrom(...EXTREMES),
    }),
    fc.record({
      kind: fc.constant("zero" as const),
      at: share,
      length: fc.integer({ min: 1, max: 512 }),
    }),
    fc.record({
      kind: fc.constant("repeat" as const),
      at: share,
      length: fc.integer({ min: 1, max: 4096 }),
    }),
    fc.record({
      kind: fc.constant("insert" as const),
      at: share,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

/** A damaged copy of a file. */
export function damage(
  file: Uint8Array,
  plan: readonly Damage[],
): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(file);
  for (const each of plan) {
    if (bytes.length === 0) break;
    const place = each.at < 1 ? each.at * bytes.length : each.at;
    const at = Math.min(bytes.length - 1, Math.floor(place));
    bytes = applyOne(bytes, each, at);
  }
  return bytes;
}

function applyOne(
  bytes: Uint8Array<ArrayBuffer>,
  each: Damage,
  at: number,
): Uint8Array<ArrayBuffer> {
  switch (each.kind) {
    case "cut":
      return bytes.slice(0, at);
    case "flip":
      bytes[at] ^= 1 << each.bit;
      return bytes;
    case "write": {
      const four = new Uint8Array(Int32Array.of(each.value).buffer);
      bytes.set(four.subarray(0, bytes.length - at), at);
      return bytes;
    }
    case "zero":
      return bytes.fill(0, at, at + each.length);
    case "repeat":
      return join(bytes, at, bytes.slice(at, at + each.length));
    case "insert":
      return join(bytes, at, each.bytes);
  }
}

function join(
  bytes: Uint8Array,
  at: number,
  middle: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes.length + middle.length);
  all.set(bytes.subarray(0, at));
  all.set(middle, at);
  all.set(bytes.subarray(at), at + middle.length);
  return all;
}
