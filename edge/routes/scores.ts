/**
 * `POST /scores`: how well predicted masks agree with true ones.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import type { z } from "zod";
import { ArgumentError, InvalidRequestError } from "../../shared/errors.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { isVolume } from "../../shared/ndarray.ts";
import { summarizeScores } from "../../shared/pipeline/summarize_scores.ts";
import { ScoreForm, Scores } from "../../shared/schema/wire.ts";
import type { Core } from "../../wasm/mod.ts";
import type { EdgeDeps } from "../deps.ts";
import { problemResponses } from "../problem.ts";
import { answers, createRouter, SECURITY } from "../router.ts";

/** Most pairs of one request. */
const MAX_PAIRS = 100;
const DEFAULT_THRESHOLDS = "0.5,0.75,0.9";

const route = createRoute({
  method: "post",
  path: "/scores",
  operationId: "scoreMasks",
  summary: "Score predicted against true masks",
  tags: ["scores"],
  security: SECURITY,
  request: {
    body: {
      required: true,
      content: { "multipart/form-data": { schema: ScoreForm } },
    },
  },
  responses: {
    200: answers(Scores, "Scores of each image and of all"),
    ...problemResponses(
      "unsupported-format",
      "corrupt-image",
      "image-too-large",
    ),
  },
});

/** The route. */
export function scores({ core }: EdgeDeps) {
  const router = createRouter();
  return router.openapi(route, async (c) => {
    const form = await c.req.formData();
    const truths = readFiles(form, "truth");
    const predictions = readFiles(form, "prediction");
    if (truths.length !== predictions.length) {
      throw new InvalidRequestError([{
        pointer: "/prediction",
        detail: `${predictions.length} files, but ${truths.length} of truth`,
      }]);
    }
    const thresholds = readThresholds(form.get("thresholds"));
    const images = [];
    for (const [i, truth] of truths.entries()) {
      const prediction = predictions[i];
      const found = await scorePair(core, truth, { prediction, thresholds });
      images.push({ name: truth.name, ...found });
    }
    const total = summarizeScores(images);
    return c.json(toWire({ images, total }), 200);
  });
}

function readFiles(form: FormData, name: string): File[] {
  const files = form.getAll(name).filter((each) => each instanceof File);
  if (files.length === 0 || files.length > MAX_PAIRS) {
    throw new InvalidRequestError([{
      pointer: `/${name}`,
      detail: `give 1 to ${MAX_PAIRS} files, got ${files.length}`,
    }]);
  }
  return files;
}

function readThresholds(value: FormDataEntryValue | null): number[] {
  const text = typeof value === "string" && value !== ""
    ? value
    : DEFAULT_THRESHOLDS;
  const thresholds = text.split(",").map(Number);
  if (
    thresholds.length > 50 || !thresholds.every((each) => each > 0 && each <= 1)
  ) {
    throw new InvalidRequestError([{
      pointer: "/thresholds",
      detail: "must be up to 50 numbers above 0, at most 1, as 0.5,0.75",
    }]);
  }
  return thresholds;
}

async function scorePair(
  core: Core,
  truth: File,
  { prediction, thresholds }: {
    prediction: File;
    thresholds: readonly number[];
  },
) {
  const want = await decodeLabels(await bytesOf(truth));
  // polygons do not tell the size of their image
  const found = await decodeLabels(
    await bytesOf(prediction),
    isVolume(want.size) ? {} : { size: want.size },
  );
  if (JSON.stringify(want.size) !== JSON.stringify(found.size)) {
    throw new ArgumentError(
      "prediction",
      `${prediction.name} is ${spell(found.size)}, ${truth.name} is ${
        spell(want.size)
      }`,
    );
  }
  return core.scoreMasks(want.masks, found.masks, want.size, { thresholds });
}

async function bytesOf(file: File): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer());
}

function spell(size: object): string {
  return Object.values(size).join("×");
}

/** JSON has no infinity and no NaN: both become null. */
function toWire(value: object): z.infer<typeof Scores> {
  return JSON.parse(JSON.stringify(value));
}
