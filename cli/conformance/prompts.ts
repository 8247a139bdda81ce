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
  const points: number[] = [];
  const labels: number[] = [];
  if (parts.includes("points")) {
    points.push(...getInput(from, "points").data);
    labels.push(...getInput(from, "point_labels").data);
    if (!parts.includes("box")) {
      points.push(0, 0);
      labels.push(NO_POINT);
    }
  }
  if (parts.includes("box")) {
    points.push(...getInput(from, "box").data);
    labels.push(...CORNERS);
  }
  // a mask has four times the edges of the features
  const [height, width] = embedding.shape.slice(2).map((edge) => 4 * edge);
  const mask = parts.includes("mask") ? getInput(from, "mask_input") : {
    data: new Float32Array(height * width),
    shape: [1, 1, height, width],
  };
  return {
    points: { data: Float32Array.from(points), shape: [1, labels.length, 2] },
    labels: { data: Float32Array.from(labels), shape: [1, labels.length] },
    mask,
    hasMask: {
      data: Float32Array.of(parts.includes("mask") ? 1 : 0),
      shape: [1],
    },
  };
}

/** All but the first, which answers unambiguous prompts. */
function multiple({ data, shape }: Floats): Floats {
  const [n, count, ...rest] = shape;
  return {
    data: data.subarray(data.length / count),
    shape: [n, count - 1, ...rest],
  };
}
