import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  renderTrainingScene,
  TRAINING_KINDS,
  type TrainingKind,
} from "../shared/synthetic/mod.ts";

const SIZE = { height: 96, width: 128 };

const digest = (...arrays: (Uint8Array | Uint32Array)[]) =>
  arrays.reduce((hash, array) => hash.update(array), createHash("sha256"))
    .digest("hex").slice(0, 12);

const SCENES = TRAINING_KINDS.flatMap((kind) =>
  [1, 2, 3].map((seed) => renderTrainingScene(seed, { ...SIZE, kind }))
);

test("renderTrainingScene() gives the bytes it always gave", () => {
  const digests = TRAINING_KINDS.map((kind) => {
    const { image, labels } = renderTrainingScene(1, { ...SIZE, kind });
    return `${kind} ${digest(image, labels)}`;
  });
  expect(digests).toMatchInlineSnapshot(`
    [
      "rods 905102b64e54",
      "colony b264f2c0c6ad",
      "filaments bca4b069cf76",
      "channels e95bc8f9c4f7",
      "yeast 76a66686f248",
      "adherent c32e882ef043",
      "membranes 62d940b884ff",
      "blood 0e047826b91d",
      "histology f8de8597d96c",
      "cytology 5bfae3d47132",
      "nuclei 805e1d932c6c",
      "neurons 23c96b30550d",
      "tissue 10fdf0076008",
    ]
  `);
});

test("renderTrainingScene() gives another scene for another seed, and every kind by chance", () => {
  const scenes = Array.from(
    { length: 120 },
    (_, seed) => renderTrainingScene(seed, { height: 16, width: 16 }),
  );
  expect(new Set(scenes.map(({ image }) => digest(image))).size).toBe(120);
  expect(new Set(scenes.map(({ kind }) => kind))).toEqual(
    new Set(TRAINING_KINDS),
  );
});

test("renderTrainingScene() numbers one piece of at least 20 pixels a cell by first pixel", () => {
  const { height, width } = SIZE;
  for (const { labels, count, kind } of SCENES) {
    const seen = [...new Set(labels)].filter((label) => label > 0);
    expect(seen, kind).toEqual(Array.from({ length: count }, (_, k) => k + 1));
    const reached = new Uint8Array(labels.length);
    for (const label of seen) {
      const first = labels.indexOf(label);
      const queue = [first];
      reached[first] = 1;
      for (const i of queue) {
        const [y, x] = [Math.floor(i / width), i % width];
        const near = [
          y > 0 ? i - width : i,
          y < height - 1 ? i + width : i,
          x > 0 ? i - 1 : i,
          x < width - 1 ? i + 1 : i,
        ];
        for (const j of near) {
          if (labels[j] !== label || reached[j] === 1) continue;
          reached[j] = 1;
          queue.push(j);
        }
      }
      expect(queue.length, kind).toBeGreaterThanOrEqual(20);
    }
    // what no flood reached would be a second piece
    labels.forEach((label, i) => {
      if (label > 0 && reached[i] === 0) throw new Error(`${kind}: ${label}`);
    });
  }
});

test("renderTrainingScene() draws what it labels: cells differ from what is around them", () => {
  for (const kind of TRAINING_KINDS) {
    const scene = renderTrainingScene(4, { height: 160, width: 160, kind });
    const { image, labels, channels } = scene;
    expect(image.length, kind).toBe(labels.length * channels);
    // a membrane's inside equals its outside: pixels at borders differ
    const isEdge = (i: number) =>
      i % 160 > 1 && i % 160 < 158 &&
      (labels[i - 2] !== labels[i] || labels[i + 2] !== labels[i]);
    const parts = kind === "membranes"
      ? { isIn: isEdge, isOut: (i: number) => !isEdge(i) }
      : {
        isIn: (i: number) => labels[i] > 0,
        isOut: (i: number) => labels[i] === 0,
      };
    const contrasts = Array.from({ length: channels }, (_, c) => {
      const plane = Array.from(labels, (_, i) => image[i * channels + c]);
      const within = plane.filter((_, i) => parts.isIn(i));
      const around = plane.filter((_, i) => parts.isOut(i));
      return Math.abs(mean(within) - mean(around));
    });
    expect(Math.max(...contrasts), kind).toBeGreaterThan(2);
  }
});

test("renderTrainingScene() has cells of about the diameter asked for", () => {
  // filaments and spread cells vary most, and lose area where they are crossed
  const low: Partial<Record<TrainingKind, number>> = {
    filaments: 0.3,
    adherent: 0.45,
  };
  for (const kind of TRAINING_KINDS) {
    const ratios = [20, 40].map((diameter) => {
      const { labels, count } = renderTrainingScene(6, {
        height: 8 * diameter,
        width: 8 * diameter,
        kind,
        diameter,
      });
      const areas = new Uint32Array(count + 1);
      for (const label of labels) areas[label]++;
      const sorted = areas.slice(1).sort();
      expect(count, kind).toBeGreaterThan(0);
      expect(count, kind).toBeLessThan(110);
      return 2 * Math.sqrt(sorted[count >> 1] / Math.PI) / diameter;
    });
    for (const ratio of ratios) {
      expect(ratio, kind).toBeGreaterThan(low[kind] ?? 0.6);
      expect(ratio, kind).toBeLessThan(1.35);
    }
  }
});

test("renderTrainingScene() takes any size, and names the wrong option", () => {
  for (const kind of TRAINING_KINDS) {
    const { image, channels } = renderTrainingScene(1, {
      height: 1,
      width: 7,
      kind,
    });
    expect(image.length).toBe(7 * channels);
  }
  const at = (options: object) => () =>
    renderTrainingScene(1, { ...SIZE, ...options });
  expect(at({ height: 0 })).toThrow("size.height");
  expect(at({ diameter: 2 })).toThrow("diameter: is 2");
  expect(at({ kind: "cats" })).toThrow("kind: is cats");
});

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
