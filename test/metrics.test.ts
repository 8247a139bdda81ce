import { expect, test } from "vitest";
import { ArgumentError, poolPrecision } from "../wasm/mod.ts";
import { core } from "./core.ts";

/** A label image from rows of digits. */
function image(...rows: string[]) {
  const width = rows[0].length;
  const labels = Uint32Array.from(rows.join(""), Number);
  return { labels, size: { height: rows.length, width } };
}

const none = new Uint32Array(12);
const size = { height: 3, width: 4 };
// 1 is found as 7 with IoU 3/5, 2 as 5 exactly, 3 is missed, 6 is spurious
const truth = image("1122", "1133", "0000");
const { labels: prediction } = image("7755", "7000", "7006");

test("averagePrecision() counts TP, FP and FN at each threshold", () => {
  expect(core.averagePrecision(truth.labels, prediction, size, [0.6, 0.7]))
    .toEqual([
      { threshold: 0.6, tp: 2, fp: 1, fn: 1, ap: 0.5 },
      { threshold: 0.7, tp: 1, fp: 2, fn: 2, ap: 0.2 },
    ]);
});

test("averagePrecision() uses 0.5, 0.75 and 0.9 by default", () => {
  const rows = core.averagePrecision(truth.labels, prediction, size);
  expect(rows.map((row) => row.threshold)).toEqual([0.5, 0.75, 0.9]);
});

test("averagePrecision() matches two exact halves to one cell only", () => {
  const whole = image("1111").labels;
  const halves = image("1122").labels;
  const row = { height: 1, width: 4 };
  for (const [a, b] of [[whole, halves], [halves, whole]]) {
    const [{ tp, fp, fn }] = core.averagePrecision(a, b, row, [0.5]);
    expect([tp, fp + fn]).toEqual([1, 1]);
  }
});

test("averagePrecision() is 1 where neither image has a cell, NaN in parity mode", () => {
  const [row] = core.averagePrecision(none, none, size, [0.5]);
  expect(row).toEqual({ threshold: 0.5, tp: 0, fp: 0, fn: 0, ap: 1 });
  const options = { parity: true };
  expect(core.averagePrecision(none, none, size, [0.5], options)[0].ap)
    .toBe(NaN);
});

test("averagePrecision() counts cells of images without background", () => {
  const full = new Uint8Array(12).fill(3);
  const [row] = core.averagePrecision(full, full, size, [1]);
  expect(row).toEqual({ threshold: 1, tp: 1, fp: 0, fn: 0, ap: 1 });
  // Cellpose takes the only label for background
  const options = { parity: true };
  expect(core.averagePrecision(full, full, size, [1], options)[0].tp).toBe(0);
});

test("averagePrecision() scores one-pixel images", () => {
  const one = { height: 1, width: 1 };
  const ap = (a: number, b: number) =>
    core.averagePrecision(Uint32Array.of(a), Uint32Array.of(b), one, [1])[0].ap;
  expect([ap(5, 9), ap(5, 0), ap(0, 5), ap(0, 0)]).toEqual([1, 0, 0, 1]);
});

test("averagePrecision() refuses thresholds outside (0, 1]", () => {
  for (const threshold of [0, -1, 1.01, NaN]) {
    expect(() => core.averagePrecision(none, none, size, [threshold]))
      .toThrow(ArgumentError);
  }
});

test("poolPrecision() sums counts and averages AP over images", () => {
  const images = [
    [{ threshold: 0.5, tp: 3, fp: 1, fn: 0, ap: 0.75 }],
    [{ threshold: 0.5, tp: 1, fp: 1, fn: 2, ap: 0.25 }],
  ];
  expect(poolPrecision(images)).toEqual([
    { threshold: 0.5, tp: 4, fp: 2, fn: 2, ap: 0.5, meanAp: 0.5 },
  ]);
  expect(() => poolPrecision([])).toThrow(ArgumentError);
  const other = [{ threshold: 0.6, tp: 1, fp: 0, fn: 0, ap: 1 }];
  expect(() => poolPrecision([images[0], other])).toThrow("same thresholds");
});

test("matchMasks() lists pairs below the threshold, too", () => {
  const match = core.matchMasks(truth.labels, prediction, size, {
    threshold: 0.7,
  });
  expect([...match.truth]).toEqual([1, 2]);
  expect([...match.prediction]).toEqual([7, 5]);
  expect([...match.iou]).toEqual([3 / 5, 1]);
  expect([match.tp, match.fp, match.fn]).toEqual([1, 2, 2]);
});

test("aggregatedJaccard() names its kind and the kinds differ", () => {
  const a = image("11110000").labels;
  const b = image("11122200").labels;
  const row = { height: 1, width: 8 };
  // cell 1 best met by 1 (3 of 4): 3 / (4 + 3 unclaimed); union of
  // foregrounds is 6
  expect(core.aggregatedJaccard(a, b, row)).toEqual({
    kind: "kumar2017",
    aji: 3 / 7,
  });
  expect(core.aggregatedJaccard(a, b, row, { kind: "cellpose" })).toEqual({
    kind: "cellpose",
    aji: 3 / 6,
  });
});

test("aggregatedJaccard() of kind kumar2017 takes a predicted cell twice", () => {
  const a = image("11122").labels;
  const b = image("33333").labels;
  const row = { height: 1, width: 5 };
  // (3 + 2) / (5 + 5)
  expect(core.aggregatedJaccard(a, b, row).aji).toBe(0.5);
});

test("aggregatedJaccard() is 1 where both are empty, 0 where one is", () => {
  for (const kind of ["kumar2017", "cellpose"] as const) {
    const aji = (a: Uint32Array, b: Uint32Array) =>
      core.aggregatedJaccard(a, b, size, { kind }).aji;
    expect(aji(none, none)).toBe(1);
    expect(aji(truth.labels, none)).toBe(0);
    expect(aji(none, truth.labels)).toBe(0);
  }
});

test("aggregatedJaccard() refuses another kind", () => {
  const options = { kind: "best" as "cellpose" };
  expect(() => core.aggregatedJaccard(none, none, size, options))
    .toThrow('kind: must be "kumar2017" or "cellpose", is "best"');
});

test("panopticQuality() multiplies segmentation and recognition quality", () => {
  const { pq, sq, rq, tp, fp, fn } = core.panopticQuality(
    truth.labels,
    prediction,
    size,
  );
  expect([tp, fp, fn]).toEqual([2, 1, 1]);
  expect(sq).toBe((3 / 5 + 1) / 2);
  expect(rq).toBe(2 / 3);
  expect(pq).toBe(sq * rq);
});

test("panopticQuality() needs an IoU above 0.5, is 1 without cells", () => {
  const row = { height: 1, width: 4 };
  const half = core.panopticQuality(
    image("1111").labels,
    image("1100").labels,
    row,
  );
  expect(half).toEqual({ pq: 0, sq: 0, rq: 0, tp: 0, fp: 1, fn: 1 });
  expect(core.panopticQuality(none, none, size).pq).toBe(1);
});

test("meanIou() counts cells not found as 0", () => {
  expect(core.meanIou(truth.labels, prediction, size)).toBe((3 / 5 + 1) / 3);
  // IoU 0.5 counts, less does not
  const row = { height: 1, width: 5 };
  expect(core.meanIou(image("11000").labels, image("11110").labels, row))
    .toBe(0.5);
  expect(core.meanIou(image("11000").labels, image("11111").labels, row))
    .toBe(0);
  expect(core.meanIou(none, none, size)).toBe(1);
  expect(core.meanIou(none, truth.labels, size)).toBe(0);
});

test("recallBySize() bins true cells by area", () => {
  const rows = core.recallBySize(truth.labels, prediction, size, {
    edges: [2, 4, 9],
  });
  expect(rows).toEqual([
    { minArea: 0, maxArea: 2, cells: 0, found: 0, recall: NaN },
    { minArea: 2, maxArea: 4, cells: 2, found: 1, recall: 0.5 },
    { minArea: 4, maxArea: 9, cells: 1, found: 1, recall: 1 },
    { minArea: 9, maxArea: Infinity, cells: 0, found: 0, recall: NaN },
  ]);
});

test("recallBySize() parts cells into quantiles that share equal areas", () => {
  const rows = core.recallBySize(truth.labels, none, size, { quantiles: 3 });
  // areas 2, 2, 4: the edge at 2 would leave a row without cells
  expect(rows.map(({ minArea, cells }) => [minArea, cells]))
    .toEqual([[0, 2], [4, 1]]);
  expect(core.recallBySize(none, none, size)).toEqual([
    { minArea: 0, maxArea: Infinity, cells: 0, found: 0, recall: NaN },
  ]);
});

test("recallBySize() names bins that are wrong", () => {
  const call = (bins: { edges?: number[]; quantiles?: number }) => () =>
    core.recallBySize(none, none, size, bins);
  expect(call({ edges: [4, 2] })).toThrow("edges");
  expect(call({ edges: [0] })).toThrow("edges");
  expect(call({ quantiles: 0 })).toThrow("quantiles");
  expect(call({ quantiles: 1.5 })).toThrow("quantiles");
});

test("errorKinds() tells splits, merges, misses and spurious cells apart", () => {
  //  1 is split 6:4 (its greater part matches); 2 and 3 are merged; 4 is
  //  missed; 9 is spurious; 5 is found
  const a = image("1111111111", "2222233333", "4400000055").labels;
  const b = image("6666667777", "8888888888", "0000990055").labels;
  const area = { height: 3, width: 10 };
  expect(core.errorKinds(a, b, area)).toEqual({
    threshold: 0.5,
    splits: [{ label: 1, parts: [6, 7] }],
    merges: [{ label: 8, parts: [2, 3] }],
    misses: [4],
    spurious: [9],
  });
  // seen from the other side, splits are merges and misses are spurious
  expect(core.errorKinds(b, a, area)).toEqual({
    threshold: 0.5,
    splits: [{ label: 8, parts: [2, 3] }],
    merges: [{ label: 1, parts: [6, 7] }],
    misses: [9],
    spurious: [4],
  });
});

test("errorKinds() takes a speck in a cell for spurious, not for a split", () => {
  const a = image("11111111111").labels;
  const b = image("33333333332").labels;
  const row = { height: 1, width: 11 };
  const errors = core.errorKinds(a, b, row);
  expect(errors.splits).toEqual([]);
  expect(errors.spurious).toEqual([2]);
});

test("errorKinds() counts a lone pair below the threshold on both sides", () => {
  const a = image("111100").labels;
  const b = image("002222").labels;
  const errors = core.errorKinds(a, b, { height: 1, width: 6 });
  expect(errors.misses).toEqual([1]);
  expect(errors.spurious).toEqual([2]);
});

test("boundaryScores() follows the tolerance and the diameter", () => {
  const a = image("10000000").labels;
  const b = image("00010000").labels;
  const row = { height: 1, width: 8 };
  // within 1 of pixel 0: 0, 1; within 1 of pixel 3: 2, 3, 4
  const [near] = core.boundaryScores(a, b, row, { scales: [1], diameter: 1 });
  expect(near).toEqual({ scale: 1, radius: 1, precision: 0, recall: 0, f: 0 });
  // within 2: 0–2 and 1–5
  const [far] = core.boundaryScores(a, b, row, { scales: [1], diameter: 2 });
  expect(far.precision).toBe(2 / 5);
  expect(far.recall).toBe(2 / 3);
  expect(far.f).toBeCloseTo(0.5, 15);
});

test("boundaryScores() scores images without cells", () => {
  const all = (a: Uint32Array, b: Uint32Array, parity: boolean) =>
    core.boundaryScores(a, b, size, { scales: [1], parity })
      .map(({ precision, recall, f }) => [precision, recall, f])[0];
  expect(all(none, none, false)).toEqual([1, 1, 1]);
  expect(all(none, truth.labels, false)).toEqual([0, 0, 0]);
  expect(all(truth.labels, none, false)).toEqual([0, 0, 0]);
  expect(all(none, none, true)).toEqual([NaN, NaN, NaN]);
});

test("boundaryScores() refuses volumes and radii that are no radii", () => {
  const volume = { depth: 1, ...size };
  expect(() => core.boundaryScores(none, none, volume)).toThrow("size");
  for (const scale of [0, -1, NaN, Infinity]) {
    const options = { scales: [scale], diameter: 10 };
    expect(() => core.boundaryScores(none, none, size, options))
      .toThrow("scales");
  }
});

test("scoreMasks() equals the single functions", () => {
  const a = truth.labels;
  const options = { thresholds: [0.3, 0.6], scales: [1], edges: [3] };
  expect(core.scoreMasks(a, prediction, size, options)).toEqual({
    cells: { truth: 3, prediction: 3 },
    precision: core.averagePrecision(a, prediction, size, [0.3, 0.6]),
    meanIou: core.meanIou(a, prediction, size),
    aji: [
      core.aggregatedJaccard(a, prediction, size, { kind: "kumar2017" }),
      core.aggregatedJaccard(a, prediction, size, { kind: "cellpose" }),
    ],
    panoptic: core.panopticQuality(a, prediction, size),
    boundary: core.boundaryScores(a, prediction, size, { scales: [1] }),
    recallBySize: core.recallBySize(a, prediction, size, { edges: [3] }),
    errors: core.errorKinds(a, prediction, size),
  });
});

test("scoreMasks() scores volumes, without boundaries", () => {
  const volume = { depth: 3, height: 2, width: 2 };
  const scores = core.scoreMasks(truth.labels, prediction, volume);
  const flat = core.scoreMasks(truth.labels, prediction, size);
  expect(scores).toEqual({ ...flat, boundary: [] });
});
