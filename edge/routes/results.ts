/**
 * `/jobs/:id/results`: where to get what a job made, and masks again from
 * kept flows with other thresholds.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { ConflictError } from "../../shared/errors.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { findMasks } from "../../shared/pipeline/find_masks.ts";
import { FAMILY } from "../../shared/pipeline/families.ts";
import {
  Id,
  MasksRequest,
  RecomputedMasks,
  Results,
} from "../../shared/schema/wire.ts";
import { NETWORK_FILE, RESULT_FILE } from "../../shared/storage/names.ts";
import { objectKey } from "../../shared/storage/keys.ts";
import { readBytes } from "../../shared/storage/read_bytes.ts";
import type { EdgeDeps } from "../deps.ts";
import { presentCells, presentMasks, toSignedCall } from "../present.ts";
import { problemResponses } from "../problem.ts";
import { answers, createRouter, SECURITY, takes } from "../router.ts";

const shared = { tags: ["results"], security: SECURITY };
const params = z.object({ id: Id });

const list = createRoute({
  ...shared,
  method: "get",
  path: "/jobs/{id}/results",
  operationId: "getResults",
  summary: "Signed URLs of a job's outputs, as far as they are",
  request: {
    params,
    query: z.object({
      after: z.coerce.number().int().min(-1).default(-1),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: {
    200: answers(Results, "A page of results"),
    ...problemResponses("not-found"),
  },
});

const recompute = createRoute({
  ...shared,
  method: "post",
  path: "/jobs/{id}/masks",
  operationId: "recomputeMasks",
  summary: "Masks again from the kept flows, with other thresholds",
  request: { params, body: takes(MasksRequest) },
  responses: {
    200: answers(RecomputedMasks, "The masks"),
    ...problemResponses("not-found", "conflict", "image-too-large"),
  },
});

/** What `result.json` holds that masks are computed from. */
const KeptResult = z.looseObject({
  parameters: z.looseObject({}),
  facts: z.looseObject({ niter: z.int() }),
  models: z.array(z.looseObject({ family: z.string() })).min(1),
  input: z.looseObject({
    size: z.object({ height: z.int(), width: z.int() }),
  }),
});

/** The routes. */
export function results(deps: EdgeDeps) {
  const { jobs: book, store, settings, core } = deps;

  const readStored = (key: string) =>
    readBytes(store, key, settings.maxStoredBytes);

  return createRouter()
    .openapi(list, async (c) => {
      const { tenant } = c.get("principal");
      const { id } = c.req.valid("param");
      const { after, limit } = c.req.valid("query");
      const job = await book.get(tenant, id);
      const page = await book.images(tenant, id, { after, limit });
      const images = [];
      for (const { index, image } of page) {
        const files: Record<string, ReturnType<typeof toSignedCall>> = {};
        if (image.result !== null) {
          for (const file of [...image.files, RESULT_FILE]) {
            const key = objectKey(tenant, "results", image.result, file);
            files[file] = toSignedCall(
              await store.presignGet(key, {
                ttlSeconds: settings.signedSeconds,
                fileName: file,
              }),
              c.req.url,
            );
          }
        }
        const isCancelled = job.state === "cancelled" && image.result === null;
        images.push({
          index,
          upload: image.upload,
          url: image.url,
          name: image.name,
          state: isCancelled ? "cancelled" as const : image.state,
          error: image.error,
          result: image.result,
          count: image.count,
          files,
        });
      }
      const last = after + page.length;
      const next = last + 1 < job.total ? last : null;
      return c.json({ job: id, state: job.state, images, next }, 200);
    })
    .openapi(recompute, async (c) => {
      const { tenant } = c.get("principal");
      const { id } = c.req.valid("param");
      const { image: index, masks: format, ...changes } = c.req.valid("json");
      const start = performance.now();
      const image = await book.image({ tenant, job: id, index });
      if (image.result === null) {
        throw new ConflictError(
          `image ${index} of job ${id}`,
          `is ${image.state}: there are no flows yet`,
        );
      }
      const kept = KeptResult.parse(JSON.parse(
        new TextDecoder().decode(
          await readStored(
            objectKey(tenant, "results", image.result, RESULT_FILE),
          ),
        ),
      ));
      const network = decodeNpy(
        await readStored(
          objectKey(tenant, "results", image.result, NETWORK_FILE),
        ),
      );
      const readMs = performance.now() - start;
      const [, height, width] = network.shape;
      const planes = network.data as Float32Array;
      const pixels = height * width;
      const { size } = kept.input;
      const parameters = {
        ...kept.parameters,
        ...changes,
      } as unknown as z.infer<typeof RecomputedMasks>["parameters"];
      const family = kept.models[0].family as keyof typeof FAMILY;
      const found = await findMasks(
        core,
        {
          size: { height, width },
          flows: planes.subarray(0, 2 * pixels),
          cellprob: planes.subarray(2 * pixels),
        },
        size,
        {
          ...parameters,
          niter: changes.niter ?? kept.facts.niter,
          convention: FAMILY[family].convention,
          confidence: true,
        },
      );
      const cells = core.measureRegions(found.masks, size);
      const { count, masks, emptyReason, confidence } = found;
      return c.json({
        image: index,
        count,
        masks: presentMasks({ masks, size, count }, format),
        cells: presentCells(cells, confidence, 1),
        ...(emptyReason === undefined ? {} : { emptyReason }),
        parameters,
        timings: {
          read: readMs,
          masks: performance.now() - start - readMs,
        },
      }, 200);
    });
}
