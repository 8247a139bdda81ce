/**
 * `POST /previews`: masks at once, from the small model, here at the edge.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { HonoRequest } from "hono";
import { InvalidRequestError } from "../../shared/errors.ts";
import { digestBytes } from "../../shared/pipeline/digest.ts";
import { previewImage, toInput } from "../../shared/pipeline/preview.ts";
import { resultId } from "../../shared/pipeline/result.ts";
import type { shrink } from "../../shared/pipeline/shrink.ts";
import {
  BINARY,
  Preview,
  PreviewOptions,
  PreviewRequest,
} from "../../shared/schema/wire.ts";
import { decodeInput, imageProblems } from "../decode_input.ts";
import type { EdgeDeps } from "../deps.ts";
import { requireFile } from "../limits.ts";
import {
  presentCells,
  presentMasks,
  presentModel,
  presentNetwork,
  presentOutlines,
} from "../present.ts";
import { answers, createRouter, SECURITY } from "../router.ts";
import { readUpload } from "../stored_uploads.ts";

/** An image inline, and the options as JSON in a field of their own. */
const PreviewForm = z.object({
  image: z.file().meta(BINARY).describe("the image file"),
  options: z.string().optional().describe("PreviewOptions as JSON"),
}).meta({ id: "PreviewForm" });

const route = createRoute({
  method: "post",
  path: "/previews",
  operationId: "preview",
  summary: "Masks of one image at once, from the small model",
  tags: ["previews"],
  security: SECURITY,
  request: {
    body: {
      // read by hand: which schema holds depends on the media type
      required: false,
      content: {
        "multipart/form-data": { schema: PreviewForm },
        "application/json": { schema: PreviewRequest },
      },
    },
  },
  responses: {
    200: answers(Preview, "The masks"),
    ...imageProblems(),
  },
});

/** The route. */
export function previews(deps: EdgeDeps) {
  return createRouter().openapi(route, async (c) => {
    const principal = c.get("principal");
    const { bytes, options } = await readRequest(deps, {
      request: c.req,
      tenant: principal.tenant,
    });
    return c.json(await preview(deps, { principal, bytes, options }), 200);
  });
}

/** Options of a preview, checked. */
type Options = z.infer<typeof PreviewOptions>;

async function readRequest(
  deps: EdgeDeps,
  { request, tenant }: { request: HonoRequest; tenant: string },
): Promise<{ bytes: Uint8Array<ArrayBuffer>; options: Options }> {
  const type = request.header("content-type") ?? "";
  if (type.startsWith("multipart/form-data")) {
    const form = await request.formData();
    const image = requireFile(form, "image");
    const text = form.get("options");
    const options = PreviewOptions.safeParse(readJson(text));
    if (!options.success) throw faults(options.error, "/options");
    const bytes = new Uint8Array(await image.arrayBuffer());
    return { bytes, options: options.data };
  }
  const body = PreviewRequest.safeParse(readJson(await request.text()));
  if (!body.success) throw faults(body.error, "");
  const { upload, ...options } = body.data;
  return { bytes: await readUpload(deps, tenant, upload), options };
}

/** Masks of an image's bytes, as they are answered. */
export async function preview(
  deps: Pick<
    EdgeDeps,
    "core" | "coreVersion" | "metrics" | "preview" | "settings" | "usage"
  >,
  { principal, bytes, options }: {
    principal: Parameters<EdgeDeps["usage"]["require"]>[0];
    bytes: Uint8Array<ArrayBuffer>;
    options: Options;
  },
) {
  const { core, metrics } = deps;
  const start = performance.now();
  const { parameters } = options;
  const { decoded, pixels, decodeMs } = await decodeInput(deps, principal, {
    bytes,
    axes: parameters.axes,
  });

  const encoder = await deps.preview();
  const { small, result } = await previewImage(
    { core, encoder },
    toInput(decoded),
    options,
  );
  const { planes: [plane], facts, warnings, run } = result;
  const timings = {
    decode: decodeMs,
    ...run.timings,
    total: performance.now() - start,
  };
  for (const [stage, ms] of Object.entries(timings)) {
    metrics.stage(`preview_${stage}`, ms / 1000);
  }
  await deps.usage.add(principal, { previews: 1, pixels });
  const id = await resultId({
    input: await digestBytes(bytes),
    models: [encoder.digest],
    parameters,
    core: `${deps.coreVersion} preview ${options.maxEdge}`,
  });
  return {
    id,
    size: small.size,
    scale: small.scale,
    count: plane.count,
    masks: presentMasks(plane, options.masks),
    outlines: options.outlines ? presentOutlines(core, plane, small.scale) : [],
    cells: presentCells(plane.cells, plane.confidence, small.scale),
    ...(plane.emptyReason === undefined
      ? {}
      : { emptyReason: plane.emptyReason }),
    warnings: [...judgeShrinking(small), ...warnings],
    model: presentModel(encoder, true),
    diameter: facts.diameter === null ? null : facts.diameter / small.scale,
    diameterFrom: facts.diameterFrom,
    ...(options.network && plane.flows.length > 0
      ? { network: presentNetwork(plane, facts.niter) }
      : {}),
    timings,
  };
}

function judgeShrinking(
  { scale, plane, planes }: ReturnType<typeof shrink>,
): { code: string; message: string }[] {
  const warnings = [];
  if (scale < 1) {
    warnings.push({
      code: "preview-scaled",
      message: `The preview was computed at ${
        (100 * scale).toFixed(0)
      } % of the image's size; small cells may be missing. A job uses all pixels`,
    });
  }
  if (planes > 1) {
    warnings.push({
      code: "preview-plane",
      message: `The preview shows plane ${plane} of ${planes} only`,
    });
  }
  return warnings;
}

function readJson(text: FormDataEntryValue | null): unknown {
  if (text === null || text === "") return {};
  try {
    return JSON.parse(String(text));
  } catch (err) {
    throw new InvalidRequestError([{
      pointer: "body",
      detail: `is no JSON: ${err instanceof Error ? err.message : err}`,
    }]);
  }
}

function faults(error: z.ZodError, at: string): InvalidRequestError {
  return new InvalidRequestError(error.issues.map(({ path, message }) => ({
    pointer: [at, ...path.map(String)].join("/"),
    detail: message,
  })));
}
