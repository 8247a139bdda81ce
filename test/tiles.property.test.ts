import fc from "fast-check";
import { expect, test } from "vitest";
import { type Band, planTiles } from "../wasm/mod.ts";
import { core } from "./core.ts";

const SEED = { seed: 20240611, numRuns: 60 };

const plans = fc.record({
  height: fc.integer({ min: 1, max: 90 }),
  width: fc.integer({ min: 1, max: 90 }),
  tileSize: fc.integer({ min: 16, max: 40 }),
  tileOverlap: fc.double({ min: 0, max: 0.6, noNaN: true }),
  augment: fc.boolean(),
  pad: fc.boolean(),
}).map(({ height, width, ...options }) =>
  planTiles({ height, width }, options)
);

function noise(length: number): Float32Array {
  let state = 5;
  return Float32Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 30 - 1;
  });
}

const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer);

function errorOf(ours: Float32Array, theirs: Float32Array): number {
  expect(ours.length).toBe(theirs.length);
  return ours.reduce((worst, value, i) => {
    const error = Math.abs(value - theirs[i]);
    return error <= worst ? worst : error;
  }, 0);
}

test("planTiles() covers every pixel with tiles inside the padded image", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const axes = [
        [plan.rows, plan.tileHeight, plan.paddedHeight],
        [plan.columns, plan.tileWidth, plan.paddedWidth],
      ] as const;
      for (const [starts, tile, length] of axes) {
        expect(starts[0]).toBe(0);
        expect(starts[starts.length - 1] + tile).toBe(length);
        for (let i = 1; i < starts.length; i++) {
          expect(starts[i]).toBeGreaterThanOrEqual(starts[i - 1]);
          expect(starts[i]).toBeLessThanOrEqual(starts[i - 1] + tile);
        }
      }
      expect(plan.padTop + plan.size.height).toBeLessThanOrEqual(
        plan.paddedHeight,
      );
    }),
    SEED,
  );
});

test("blendTiles() of the cut tiles gives the image back", () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: 4 }), (plan, channels) => {
      const { height, width } = plan.size;
      const image = noise(channels * height * width);
      const isFlow = channels === 2;
      const outputs = plan.tiles.map(({ flipY, flipX }, tile) => {
        const cut = core.cutTile(image, plan, { tile, channels });
        if (!isFlow) return cut;
        // a network that saw a flipped image gives flipped flows
        return cut.map((value, i) =>
          (i < cut.length / 2 ? flipY : flipX) ? -value : value
        );
      });
      const blended = core.blendTiles(outputs, plan, {
        channels,
        flowChannel: isFlow ? 0 : null,
        flowScale: 2,
      });
      const expected = isFlow ? image.map((value) => value / 2) : image;
      expect(errorOf(blended, expected)).toBeLessThan(1e-6);
    }),
    SEED,
  );
});

test("createBlender() gives the same bits in any order of tiles", () => {
  const orders = plans.chain((plan) =>
    fc.tuple(
      fc.constant(plan),
      fc.shuffledSubarray([...plan.tiles.keys()], {
        minLength: plan.tiles.length,
      }),
    )
  );
  fc.assert(
    fc.property(orders, ([plan, order]) => {
      const length = 3 * plan.tileHeight * plan.tileWidth;
      const outputs = noise(length * plan.tiles.length);
      const outputOf = (k: number) =>
        outputs.subarray(k * length, (k + 1) * length);
      const blend = (tiles: Iterable<number>): Band[] => {
        const blender = core.createBlender(plan);
        return [...tiles].flatMap((k) => blender.add(k, outputOf(k)));
      };
      const inOrder = blend(plan.tiles.keys());
      const shuffled = blend(order);
      expect(shuffled.map(({ top }) => top)).toEqual(
        inOrder.map(({ top }) => top),
      );
      shuffled.forEach(({ data }, i) =>
        expect(Buffer.compare(bytesOf(data), bytesOf(inOrder[i].data))).toBe(0)
      );
      // bands follow one another from the first row to the last
      let next = 0;
      for (const { top, height } of inOrder) {
        expect(top).toBe(next);
        next += height;
      }
      expect(next).toBe(plan.size.height);
    }),
    SEED,
  );
});

test("createBlender() equals weighted sums over the whole image", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const { tileHeight, tileWidth, paddedWidth, padTop, padLeft } = plan;
      const area = tileHeight * tileWidth;
      const outputs = plan.tiles.map((_, k) => noise(area).map((v) => v * k));
      const taper = core.taperTile({ height: tileHeight, width: tileWidth });
      const sums = new Float64Array(plan.paddedHeight * paddedWidth);
      const weights = new Float64Array(sums.length);
      plan.tiles.forEach(({ top, left, flipY, flipX }, k) => {
        for (let i = 0; i < area; i++) {
          const [y, x] = [Math.floor(i / tileWidth), i % tileWidth];
          const at = (top + padTop + y) * paddedWidth + left + padLeft + x;
          const row = flipY ? tileHeight - 1 - y : y;
          const column = flipX ? tileWidth - 1 - x : x;
          sums[at] += taper[i] * outputs[k][row * tileWidth + column];
          weights[at] += taper[i];
        }
      });
      const blended = core.blendTiles(outputs, plan, { channels: 1 });
      const { width } = plan.size;
      const expected = blended.map((_, i) => {
        const at = (Math.floor(i / width) + padTop) * paddedWidth +
          i % width + padLeft;
        return sums[at] / weights[at];
      });
      expect(errorOf(blended, expected)).toBeLessThan(1e-4);
    }),
    { ...SEED, numRuns: 25 },
  );
});

test("flipImage() twice gives the image back", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      fc.boolean(),
      (height, width, flipY, flipX) => {
        const size = { channels: 3, height, width };
        const image = noise(3 * height * width);
        const options = { flipY, flipX, flowChannel: 0 };
        const flipped = core.flipImage(image, size, options);
        expect(core.flipImage(flipped, size, options)).toEqual(image);
      },
    ),
    SEED,
  );
});
