import { expect, test } from "vitest";
import {
  type CropOptions,
  drawLook,
  drawWindow,
} from "../../gpu-worker/train/draw_crop.ts";
import { createRandom, generateScene } from "../../shared/synthetic/mod.ts";
import type { CropWindow } from "../../wasm/mod.ts";
import { core } from "../core.ts";

const SIZE = { height: 60, width: 71 };
const OPTIONS: CropOptions = {
  cropSize: 32,
  channels: 3,
  diameter: 30,
  scaleRange: 0.5,
  rotate: true,
  flip: true,
  focus: 0.5,
  intensity: 1,
  layout: "any",
};
const scene = generateScene(3, {
  shape: "mixed",
  count: 9,
  overlap: 0.2,
  radius: [5, 9],
  size: SIZE,
});
const image = Float32Array.from(
  { length: 2 * SIZE.height * SIZE.width },
  (_, i) => (i * 7919 % 1000) / 1000,
);

/** The window whose pixel (0, 0) is (top, left), unturned. */
function plainWindow(
  top: number,
  left: number,
  size = { height: 24, width: 33 },
): CropWindow {
  return { size, matrix: [1, 0, top, 0, 1, left] };
}

/** A crop of an array of planes, by indices. */
function cutPlanes<T extends Float32Array | Uint32Array>(
  planes: T,
  at: (y: number, x: number) => [number, number],
  { height, width }: { height: number; width: number },
): number[] {
  const pixels = SIZE.height * SIZE.width;
  const out: number[] = [];
  for (let k = 0; k < planes.length / pixels; k++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [v, u] = at(y, x);
        const isInside = v >= 0 && u >= 0 && v < SIZE.height &&
          u < SIZE.width;
        out.push(isInside ? planes[k * pixels + v * SIZE.width + u] : 0);
      }
    }
  }
  return out;
}

const plainLook = { mix: [[1, 0], [0, 1]] };

test.each([[5, 9], [-4, -7], [50, 60], [200, 0]])(
  "cropImage() and cropLabels() with the identity give the crop back, at %i, %i",
  (top, left) => {
    const window = plainWindow(top, left);
    const at = (y: number, x: number): [number, number] => [y + top, x + left];
    const out = core.cropImage(image, { ...SIZE, channels: 2 }, {
      window,
      look: plainLook,
    });
    expect([...out]).toEqual(cutPlanes(image, at, window.size));
    const { labels, foreground } = core.cropLabels(scene.labels, SIZE, window);
    const truth = cutPlanes(scene.labels, at, window.size);
    expect([...labels]).toEqual(truth);
    expect([...foreground]).toEqual(truth.map((label) => label > 0 ? 1 : 0));
  },
);

test("a crop turned by 90° turns image, labels and flows exactly", () => {
  const size = { height: 40, width: 31 };
  // pixel (y, x) of the crop is (x + 4, 50 − y) of the image
  const window: CropWindow = { size, matrix: [0, 1, 4, -1, 0, 50] };
  const at = (y: number, x: number): [number, number] => [x + 4, 50 - y];
  const turned = core.cropImage(image, { ...SIZE, channels: 2 }, {
    window,
    look: plainLook,
  });
  expect([...turned]).toEqual(cutPlanes(image, at, size));

  const flows = core.labelsToFlows(scene.labels, SIZE);
  const pixels = SIZE.height * SIZE.width;
  const field = new Float32Array(3 * pixels);
  field.set(flows);
  field.fill(40, 2 * pixels);
  const answer = core.cropField(field, SIZE, window);
  const area = size.height * size.width;
  const [dy, dx] = [
    cutPlanes(flows.subarray(0, pixels), at, size),
    cutPlanes(flows.subarray(pixels), at, size),
  ];
  expect([...answer.subarray(0, area)]).toEqual(dy.map(() => 1));
  // a step (dY, dX) of the image is (−dX, dY) of the crop
  expect([...answer.subarray(area, 2 * area)]).toEqual(dx.map((v) => 0 - v));
  expect([...answer.subarray(2 * area)]).toEqual(dy);
});

test("a mirrored crop mirrors the flows that are computed of its labels", () => {
  const { height, width } = SIZE;
  const window: CropWindow = {
    size: SIZE,
    matrix: [1, 0, 0, 0, -1, width - 1],
  };
  // a disc: its center is no tie
  const disc = new Uint32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((y - 20) ** 2 + (x - 30) ** 2 <= 100) disc[y * width + x] = 1;
    }
  }
  const flows = core.labelsToFlows(disc, SIZE);
  const field = new Float32Array(3 * height * width);
  field.set(flows);
  const warped = core.cropField(field, SIZE, window);
  const { labels } = core.cropLabels(disc, SIZE, window);
  const computed = core.labelsToFlows(labels, SIZE);
  const difference = computed.map((value, i) =>
    Math.abs(value - warped[height * width + i])
  );
  expect(Math.max(...difference)).toBeLessThan(1e-5);
});

test("cropImage() between pixels is the mean of its neighbors", () => {
  const size = { height: 3, width: 3 };
  const window: CropWindow = { size, matrix: [1, 0, 2.5, 0, 1, 4.25] };
  const out = core.cropImage(image, { ...SIZE, channels: 2 }, {
    window,
    look: { mix: [[1, 0]] },
  });
  const at = (y: number, x: number) => image[y * SIZE.width + x];
  const expected = 0.5 * (0.75 * at(2, 4) + 0.25 * at(2, 5)) +
    0.5 * (0.75 * at(3, 4) + 0.25 * at(3, 5));
  expect(out[0]).toBeCloseTo(expected, 6);
});

test("cropImage() changes tones, adds noise and leaves empty channels empty", () => {
  const window = plainWindow(0, 0);
  const mix = [[0.5, 0.5], [0, 0]];
  const area = window.size.height * window.size.width;
  const crop = (look: Partial<Parameters<typeof core.cropImage>[2]["look"]>) =>
    core.cropImage(image, { ...SIZE, channels: 2 }, {
      window,
      look: { mix, ...look },
    });
  const plain = crop({});
  const still = { gamma: 1, gain: 1, offset: 0 };
  const inverted = crop({ tones: [{ ...still, gain: -1 }, still] });
  const curved = crop({ tones: [{ ...still, gamma: 2 }, still] });
  for (let i = 0; i < area; i++) {
    expect(inverted[i]).toBeCloseTo(1 - plain[i], 5);
    expect(curved[i]).toBeCloseTo(plain[i] ** 2, 4);
  }
  const noise = { sigma: 0.1, photon: 0, seed: 5 };
  const noisy = crop({ noise });
  const difference = noisy.map((value, i) => value - plain[i]);
  const variance = difference.subarray(0, area)
    .reduce((sum, d) => sum + d * d, 0) / area;
  expect(Math.sqrt(variance)).toBeGreaterThan(0.09);
  expect(Math.sqrt(variance)).toBeLessThan(0.11);
  expect(crop({ noise })).toEqual(noisy);
  expect(crop({ noise: { ...noise, seed: 6 } })).not.toEqual(noisy);
  const everything = crop({ noise, blur: 1 });
  expect(everything.subarray(area).every((value) => value === 0)).toBe(true);
});

test("cropImage() takes the range of each channel to 0 and 1", () => {
  const bytes = Uint8Array.from([10, 20, 30, 40]);
  const out = core.cropImage(bytes, { height: 2, width: 2 }, {
    window: plainWindow(0, 0, { height: 2, width: 2 }),
    look: { mix: [[1]], range: [[10, 30]] },
  });
  expect([...out]).toEqual([0, 0.5, 1, 1.5]);
});

test("drawWindow() and drawLook() depend on the seed only", () => {
  const item = {
    size: SIZE,
    diameter: 12,
    labels: scene.labels,
    channels: 3,
    range: [[0, 1], [0, 1], [0, 1]] as const,
  };
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return [drawWindow(random, item, OPTIONS), drawLook(random, item, OPTIONS)];
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

test("drawWindow() keeps scale, rotation and place within their ranges", () => {
  const item = { size: SIZE, diameter: 15, labels: scene.labels };
  for (let seed = 0; seed < 200; seed++) {
    const { matrix: [yy, yx, y0, xy, xx, x0] } = drawWindow(
      createRandom(seed),
      item,
      OPTIONS,
    );
    const zoom = 1 / Math.sqrt(Math.abs(yy * xx - yx * xy));
    expect(zoom / 2).toBeGreaterThanOrEqual(0.75 - 1e-12);
    expect(zoom / 2).toBeLessThanOrEqual(1.25 + 1e-12);
    // columns of a rotation, mirrored or not
    expect(yy * yx + xy * xx).toBeCloseTo(0, 12);
    const middle = (OPTIONS.cropSize - 1) / 2;
    const cy = yy * middle + yx * middle + y0;
    const cx = xy * middle + xx * middle + x0;
    const reach = (edge: number) =>
      Math.max(0, edge - OPTIONS.cropSize / zoom) / 2 + 1e-9;
    expect(Math.abs(cy - 29.5)).toBeLessThanOrEqual(reach(60));
    expect(Math.abs(cx - 35)).toBeLessThanOrEqual(reach(71));
  }
});

test("drawWindow() without randomness is the centered, scaled crop", () => {
  const window = drawWindow(
    createRandom(1),
    { size: { height: 64, width: 64 }, diameter: 60 },
    { ...OPTIONS, scaleRange: 0, rotate: false, flip: false, focus: 0 },
  );
  // twice too large: the crop spans the image
  expect(window.matrix.map((v) => v + 0)).toEqual([2, 0, 0.5, 0, 2, 0.5]);
});
