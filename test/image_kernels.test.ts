/** Kernels called directly: they write their result and nothing beside it. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";

const arena = new Arena(core.module);
const LENGTHS = [0, 1, 3, 4, 5, 8, 17];
const GUARD = 0x7fc0_1234;
/** Words before and after: more than a vector, so that arrays are unaligned. */
const GUARDS = 5;

/** Run a kernel on an array between guard words; returns the array after. */
function between(
  content: Float32Array,
  run: (kernels: Arena["kernels"], at: number) => void,
): Float32Array {
  return arena.scope((kernels) => {
    const length = content.length + 2 * GUARDS;
    const start = arena.reserve(length * 4);
    arena.viewU32(start, length).fill(GUARD);
    const at = start + GUARDS * 4;
    arena.viewF32(at, content.length).set(content);
    run(kernels, at);
    const words = arena.viewU32(start, length);
    for (let i = 0; i < GUARDS; i++) {
      expect(words[i]).toBe(GUARD);
      expect(words[length - 1 - i]).toBe(GUARD);
    }
    return arena.viewF32(at, content.length).slice();
  });
}

const ramp = (length: number) =>
  Float32Array.from({ length }, (_, i) => 3 * i - 7);

test.each(LENGTHS)("rescale() rescales %i values and no others", (n) => {
  for (const invert of [0, 1]) {
    const out = between(ramp(n), (kernels, at) => {
      kernels.rescale(at, n, 2, 12, invert);
    });
    expect(out).toEqual(
      ramp(n).map((value) => {
        const scaled = Math.fround((value - 2) / 10);
        return invert ? 1 - scaled : scaled;
      }),
    );
  }
});

test.each(LENGTHS)("replaceNonFinite() looks at %i values", (n) => {
  const values = ramp(n).map((value, i) => i % 3 === 1 ? NaN : value);
  const broken = values.filter(Number.isNaN).length;
  const out = between(values, (kernels, at) => {
    expect(kernels.replaceNonFinite(at, n)).toBe(broken);
  });
  expect([...out]).toEqual([...ramp(n)].map((v, i) => i % 3 === 1 ? -7 : v));
});

test.each(LENGTHS.slice(1))(
  "resizeLinear() and smoothSharpen() stay within %i columns",
  (width) => {
    // from 4 rows to 2: the last row is interpolated too
    const source = ramp(4 * width);
    const halved = between(new Float32Array(2 * width), (kernels, at) => {
      const from = arena.put(source);
      kernels.resizeLinear(at, from, 1, 1, 4, width, 1, 2, width);
    });
    const mean = (i: number) => (source[i] + source[i + width]) / 2;
    expect([...halved.subarray(0, width)])
      .toEqual(Array.from({ length: width }, (_, i) => mean(i)));
    for (const parity of [0, 1]) {
      const flat = between(
        new Float32Array(3 * width).fill(9),
        (kernels, at) => {
          kernels.smoothSharpen(at, 1, 3, width, 1.5, 0, parity);
        },
      );
      flat.forEach((value) => expect(value).toBeCloseTo(9, 5));
    }
  },
);

test.each(LENGTHS.slice(1))(
  "resizeLinear() interpolates %i columns as one by one",
  (width) => {
    const f = Math.fround;
    // 5: all but the middle of an odd number have a weight; 2 and 10: edges
    for (const from of [1, 2, 5, 10, width]) {
      const source = ramp(from).map((value) => f(value / 3));
      const out = between(new Float32Array(width), (kernels, at) => {
        const row = arena.put(source);
        kernels.resizeLinear(at, row, 1, 1, 1, from, 1, 1, width);
      });
      const expected = Array.from({ length: width }, (_, i) => {
        const middle = (i + 0.5) * (from / width) - 0.5;
        const x = Math.min(Math.max(middle, 0), from - 1);
        const whole = Math.floor(x);
        const weight = f(x - whole);
        if (weight === 0) return source[whole];
        return f(
          f(source[whole] * f(1 - weight)) + f(source[whole + 1] * weight),
        );
      });
      expect([...out]).toEqual(expected);
    }
  },
);

test.each(LENGTHS.slice(1))(
  "addTile(), cutTile() and finishRows() stay within %i columns",
  (width) => {
    const height = 3;
    const tile = ramp(2 * height * width);
    const taperY = Float64Array.of(0.25, 0.5, 1);
    const taperX = Float64Array.from({ length: width }, (_, i) => 1 / (i + 1));
    for (const flips of [0, 1, 2, 3]) {
      const sums = between(ramp(tile.length), (kernels, at) => {
        const [from, y, x] = [tile, taperY, taperX].map((a) => arena.put(a));
        const stride = height * width;
        kernels.addTile(
          at,
          from,
          y,
          x,
          2,
          height,
          width,
          stride,
          width,
          flips,
          0,
        );
      });
      const flipped = between(new Float32Array(tile.length), (kernels, at) => {
        const from = arena.put(tile);
        kernels.cutTile(
          at,
          from,
          2,
          height,
          width,
          0,
          0,
          height,
          width,
          flips,
          0,
        );
      });
      const expected = ramp(tile.length).map((value, i) => {
        const row = Math.floor(i / width) % height;
        return value + flipped[i] * (taperY[row] * taperX[i % width]);
      });
      expect(sums).toEqual(expected);
      const means = between(new Float32Array(tile.length), (kernels, at) => {
        const [from, y, x] = [flipped, taperY, taperX].map((a) => arena.put(a));
        kernels.finishRows(at, from, y, x, 2, height, width, 0, width, 0, 5);
      });
      expect(means).toEqual(flipped.map((value, i) => {
        const row = Math.floor(i / width) % height;
        return Math.fround(value / (taperY[row] * taperX[i % width])) / 5;
      }));
    }
  },
);

test("transpose() moves every element at odd sizes", () => {
  for (const m of LENGTHS) {
    for (const n of [1, 2, 15, 16, 17, 35]) {
      const image = ramp(m * n);
      const out = between(new Float32Array(m * n), (kernels, at) => {
        kernels.transpose(at, arena.put(image), m, n);
      });
      out.forEach((value, i) =>
        expect(value).toBe(image[(i % m) * n + Math.floor(i / m)])
      );
    }
  }
});
