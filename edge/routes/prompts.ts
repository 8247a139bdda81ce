/**
 * `POST /prompts`: one cell of an uploaded image, by a click or a box.
 *
 * The image's features are found once and kept for the prompts that follow.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import { InvalidRequestError, NotFoundError } from "../../shared/errors.ts";
import { digestBytes } from "../../shared/pipeline/digest.ts";
import { layOutPlanes } from "../../shared/pipeline/planes.ts";
import { PromptedCell, PromptRequest } from "../../shared/schema/wire.ts";
import { decodeInput, imageProblems } from "../decode_input.ts";
import type { EdgeDeps } from "../deps.ts";
import { presentModel } from "../present.ts";
import { answers, createRouter, SECURITY, takes } from "../router.ts";
import { readUpload } from "../stored_uploads.ts";

const route = createRoute({
  method: "post",
  path: "/prompts",
  operationId: "prompt",
  summary: "One cell of an uploaded image, by points or a box",
  tags: ["previews"],
  security: SECURITY,
  request: { body: takes(PromptRequest) },
  responses: {
    200: answers(PromptedCell, "The cell"),
    ...imageProblems(),
  },
});

/** What whoever runs the service does about it. */
const ADVICE =
  "the service takes one that `cli import` made of a checkpoint of Segment Anything: CYTOEDGE_PROMPT_MODEL=DIR, or serve --prompt-model DIR";

/** The route. */
export function prompts(deps: EdgeDeps) {
  const { core, usage } = deps;
  return createRouter().openapi(route, async (c) => {
    const principal = c.get("principal");
    const { upload, plane: index, ...prompt } = c.req.valid("json");
    const prompted = await deps.prompted?.();
    if (prompted === undefined) {
      throw new NotFoundError("model", "that answers prompts", ADVICE);
    }
    const { model, refiner } = prompted;
    const start = performance.now();
    const bytes = await readUpload(deps, principal.tenant, upload);
    const { decoded, pixels } = await decodeInput(deps, principal, { bytes });
    const planes = layOutPlanes(decoded);
    const plane = planes[index];
    if (plane === undefined) {
      throw new InvalidRequestError([{
        pointer: "/plane",
        detail: `is ${index}, the image has ${planes.length}`,
      }]);
    }
    const { size } = plane;
    checkPlaces(prompt, size);
    const image = await refiner.embed(plane, {
      key: `${await digestBytes(bytes)} ${index}`,
    });
    const encoded = performance.now();
    const { box, ...places } = prompt;
    const { logits, scores, chosen } = await refiner.refine(image, {
      ...places,
      ...(box ? { box } : {}),
    });
    const { masks, area } = core.paintCell(
      new Uint32Array(size.height * size.width),
      logits,
      size,
      1,
    );
    await usage.add(principal, { previews: 1, pixels });
    return c.json({
      size: { height: size.height, width: size.width },
      runs: runsOf(masks),
      area,
      score: scores[chosen],
      model: presentModel(model, false),
      warnings: [...image.warnings],
      timings: {
        encode: encoded - start,
        total: performance.now() - start,
      },
    }, 200);
  });
}

/** @throws {InvalidRequestError} naming the places outside the image */
function checkPlaces(
  { points, negativePoints, box }: {
    points: [number, number][];
    negativePoints: [number, number][];
    box?: [number, number, number, number] | undefined;
  },
  { height, width }: { height: number; width: number },
): void {
  const isOutside = ([y, x]: readonly number[]) =>
    !(y >= 0 && x >= 0 && y <= height && x <= width);
  const errors = [];
  for (const [name, places] of Object.entries({ points, negativePoints })) {
    for (const [i, place] of places.entries()) {
      if (!isOutside(place)) continue;
      errors.push({
        pointer: `/${name}/${i}`,
        detail: `(${place.join(", ")}) is outside of ${height}×${width}`,
      });
    }
  }
  if (points.length + negativePoints.length === 0 && box === undefined) {
    errors.push({ pointer: "", detail: "give points or a box" });
  }
  if (box !== undefined) {
    const [y0, x0, y1, x1] = box;
    const isWrong = isOutside([y0, x0]) || isOutside([y1, x1]) || y0 > y1 ||
      x0 > x1;
    if (isWrong) {
      errors.push({
        pointer: "/box",
        detail: `must be y0 ≤ y1, x0 ≤ x1 within ${height}×${width}`,
      });
    }
  }
  if (errors.length > 0) throw new InvalidRequestError(errors);
}

/** First pixel and length of each run of a mask. */
function runsOf(mask: Uint32Array): number[] {
  const runs: number[] = [];
  for (let at = mask.indexOf(1); at >= 0;) {
    const end = mask.indexOf(0, at);
    const to = end < 0 ? mask.length : end;
    runs.push(at, to - at);
    at = end < 0 ? -1 : mask.indexOf(1, to);
  }
  return runs;
}
