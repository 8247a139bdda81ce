/**
 * The same masks and scores as segment_anything's predictor; recorded by
 * `test/fixtures/refine/make.py`.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadNodePromptModel } from "../../gpu-worker/prompt_model_node.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import type { PixelArray } from "../../shared/image/types.ts";
import { layOutPlanes } from "../../shared/pipeline/planes.ts";
import { createRefiner, type Point } from "../../shared/pipeline/refine.ts";
import { core } from "../core.ts";
import { unpackModels } from "../import/models.ts";

/** Share of the logits' range that ours may differ by. */
const LIMIT = 2e-3;

const FIXTURE = fileURLToPath(new URL("../fixtures/refine/", import.meta.url));

interface RecordedCase {
  readonly name: string;
  readonly model: string;
  readonly shape: readonly number[];
  readonly points?: readonly Point[];
  readonly labels?: readonly number[];
  readonly box?: readonly [number, number, number, number];
  readonly scores: readonly number[];
  readonly best: number;
  readonly step: number;
  readonly area: number;
}

const cases: RecordedCase[] = JSON.parse(
  readFileSync(join(FIXTURE, "cases.json"), "utf8"),
);
const read = (name: string) =>
  decodeNpy(
    new Uint8Array(gunzipSync(readFileSync(join(FIXTURE, `${name}.npy.gz`)))),
  );
const root = unpackModels(["sam_0", "sam_1"]);
afterAll(() => rmSync(root, { recursive: true }));

test.each(cases.map((each) => [each.name, each] as const))(
  "refine() answers as segment_anything: %s",
  async (name, { model: id, points = [], labels = [], box, ...theirs }) => {
    const folder = join(root, `${id}_model`);
    importModel(join(root, id, "checkpoint.pth"), folder);
    const model = await loadNodePromptModel(folder, { threads: 1 });
    const refiner = createRefiner(core, model);
    const { data, shape } = read(`${name}_image`);
    const [plane] = layOutPlanes({
      data: data as PixelArray,
      shape,
      axes: "YXC",
    });
    const { logits, scores, chosen } = await refiner.refine(
      await refiner.embed(plane),
      {
        points: points.filter((_, i) => labels[i] === 1),
        negativePoints: points.filter((_, i) => labels[i] === 0),
        ...(box ? { box } : {}),
      },
    );
    await model.close();

    expect(scores).toHaveLength(theirs.scores.length + 1);
    for (const [i, score] of theirs.scores.entries()) {
      expect(Math.abs(scores[i + 1] - score)).toBeLessThan(1e-4);
    }
    expect(chosen).toBe(theirs.best + 1);
    const expected = read(`${name}_logits`).data as Float32Array;
    const [height, width] = shape;
    const thin: number[] = [];
    for (let y = 0; y < height; y += theirs.step) {
      for (let x = 0; x < width; x += theirs.step) {
        thin.push(logits[y * width + x]);
      }
    }
    expect(thin).toHaveLength(expected.length);
    const worst = thin.reduce(
      (most, v, i) => Math.max(most, Math.abs(v - expected[i])),
      0,
    );
    const range = Math.max(...expected) - Math.min(...expected);
    expect(worst / range).toBeLessThan(LIMIT);
    const area = logits.reduce((n, v) => n + Number(v > 0), 0);
    expect(Math.abs(area - theirs.area)).toBeLessThanOrEqual(
      Math.ceil(1e-3 * logits.length),
    );
  },
);
