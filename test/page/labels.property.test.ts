/** Labels that are edited in bands, against a plain array. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Labels } from "../../edge/web/edit/labels.ts";
import { pack } from "../../edge/web/edit/packed.ts";

/** Bands have 64 rows: the last is not whole. */
const SIZE = { height: 150, width: 7 };
const PIXELS = SIZE.height * SIZE.width;

const pixel = fc.nat(PIXELS - 1);
const fill = fc.record({
  label: fc.nat(3),
  from: pixel,
  length: fc.integer({ min: 1, max: 600 }),
});
const base = fc.array(
  fc.record({ label: fc.nat(3), length: fc.integer({ min: 1, max: 90 }) }),
  { maxLength: 40 },
).map((runs) => {
  const masks = new Uint32Array(PIXELS);
  let at = 0;
  for (const { label, length } of runs) {
    masks.fill(label, at, at + length);
    at += length;
  }
  return masks;
});

test("Labels are a plain array's pixels after any edits", () => {
  fc.assert(fc.property(base, fc.array(fill), pixel, (masks, fills, probe) => {
    const labels = new Labels(pack(masks), SIZE);
    for (const { label, from, length } of fills) {
      labels.fill(label, from, Math.min(PIXELS, from + length));
      masks.fill(label, from, from + length);
    }
    expect(labels.toArray()).toEqual(masks);
    expect(labels.pack()).toEqual(pack(masks));
    expect(labels.at(probe)).toBe(masks[probe]);
  }));
});

test("Labels.read() takes every step-th pixel of a row", () => {
  fc.assert(
    fc.property(
      base,
      fc.array(fill, { maxLength: 1 }),
      fc.nat(SIZE.height - 1),
      fc.integer({ min: 1, max: 3 }),
      (masks, fills, row, step) => {
        const labels = new Labels(pack(masks), SIZE);
        for (const { label, from, length } of fills) {
          labels.fill(label, from, Math.min(PIXELS, from + length));
          masks.fill(label, from, from + length);
        }
        const count = Math.floor((SIZE.width - 1) / step) + 1;
        const out = new Uint32Array(count + 2).fill(9);
        labels.read(row * SIZE.width, { step, count, out, at: 1 });
        const want = Array.from(
          { length: count },
          (_, k) => masks[row * SIZE.width + k * step],
        );
        expect([...out]).toEqual([9, ...want, 9]);
      },
    ),
  );
});

test("Labels.fork() and its original change on their own", () => {
  fc.assert(fc.property(base, fill, fill, (masks, first, second) => {
    const labels = new Labels(pack(masks), SIZE);
    const change = (to: Labels, { label, from, length }: typeof first) =>
      to.fill(label, from, Math.min(PIXELS, from + length));
    change(labels, first);
    const before = labels.toArray();
    const fork = labels.fork();
    change(fork, second);
    const forked = fork.toArray();
    expect(labels.toArray()).toEqual(before);
    change(labels, { ...second, label: 8 });
    expect(fork.toArray()).toEqual(forked);
  }));
});
