/**
 * Segment Anything: the image's features, then masks and scores of prompts.
 *
 *   masks_PROMPTS.npy, iou_PROMPTS.npy   PROMPTS of points, box and mask
 *
 * @module
 */
import type { Floats, Runner } from "../../gpu-worker/run_graph.ts";
import { type Case, CaseError } from "./case.ts";
import type { Check } from "./check.ts";
import { compareWith, getInput } from "./outputs.ts";

/** Labels of a box's corners. */
const CORNERS = [2, 3];
/** Label of the point that follows points without a box. */
const NO_POINT = -1;

/** Compare features, masks and scores. */
export async function checkPrompts(
  from: Case,
  runners: Readonly<Record<string, Runner>>,
  limit: number,
): Promise<Check[]> {
  const { image_encoder, prompt_encoder, mask_decoder } = runners;
  const { embedding } = await image_encoder.run({ x: getInput(from, "x") });
  const checks: Check[] = [];
  if (from.arrays.has("embedding")) {
    checks.push(compareWith(from, "embedding", { ours: embedding, limit }));
  }
  const recorded = [...from.arrays.keys()].filter((name) =>
    name.startsWith("masks_")
  );
  for (const name of recorded) {
    const prompt = readPrompt(from, name.slice("masks_".length), embedding);
    const vectors = await prompt_encoder.run(prompt);
    const { sparse, dense } = vectors;
    const { masks, scores } = await mask_decoder.run({
      embedding,
      sparse,
      dense,
    });
    checks.push(compareWith(from, name, { ours: multiple(masks), limit }));
    const iou = name.replace("masks_", "iou_");
    if (from.arrays.has(iou)) {
      checks.push(compareWith(from, iou, { ours: multiple(scores), limit }));
    }
  }
  if (checks.length > 0) return checks;
  throw new CaseError("embedding.npy and masks_….npy are missing");
}

/** Inputs of the prompt encoder. */
function readPrompt(
  from: Case,
  label: string,
  embedding: Floats,
): Record<string, Floats> {
  const parts = label.split("_");
  const has = (part: string) => parts.includes(part);
  const points = has("points") ? getInput(from, "points") : null;
  const box = has("box") ? getInput(from, "box") : null;
  const prompts = points?.shape[0] ?? box?.shape[0] ?? 1;
  const places: number[] = [];
  const labels: number[] = [];
  for (let i = 0; i < prompts; i++) {
    if (points) {
      places.push(...part(points, i, prompts));
      labels.push(...part(getInput(from, "point_labels"), i, prompts));
      if (!box) {
        places.push(0, 0);
        labels.push(NO_POINT);
      }
    }
    if (box) {
      places.push(...part(box, i, prompts));
      labels.push(...CORNERS);
    }
  }
  const count = labels.length / prompts;
  // a mask has four times the edges of the features
  const [height, width] = embedding.shape.slice(2).map((edge) => 4 * edge);
  const mask = has("mask") ? getInput(from, "mask_input") : {
    data: new Float32Array(prompts * height * width),
    shape: [prompts, 1, height, width],
  };
  return {
    points: { data: Float32Array.from(places), shape: [prompts, count, 2] },
    labels: { data: Float32Array.from(labels), shape: [prompts, count] },
    mask,
    hasMask: {
      data: Float32Array.of(has("mask") ? 1 : 0),
      shape: [1],
    },
  };
}

/** The numbers of one of `count` prompts. */
function part({ data }: Floats, i: number, count: number): Float32Array {
  const size = data.length / count;
  return data.subarray(i * size, (i + 1) * size);
}

/** All but the first of each prompt, which answers unambiguous ones. */
function multiple({ data, shape }: Floats): Floats {
  const [n, count, ...rest] = shape;
  const size = data.length / n;
  const first = size / count;
  const out = new Float32Array(n * (size - first));
  for (let i = 0; i < n; i++) {
    out.set(
      data.subarray(i * size + first, (i + 1) * size),
      i * (size - first),
    );
  }
  return { data: out, shape: [n, count - 1, ...rest] };
}
