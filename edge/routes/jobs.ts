/**
 * `/jobs`: work in the background, at full resolution.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import {
  ConflictError,
  InvalidRequestError,
  isSegError,
} from "../../shared/errors.ts";
import { digestValue } from "../../shared/pipeline/digest.ts";
import { isFinal, type JobRecord } from "../../shared/queue/job_types.ts";
import type { Json } from "../../shared/queue/types.ts";
import { Job, JobRequest, Quote } from "../../shared/schema/wire.ts";
import type { Principal } from "../auth.ts";
import type { EdgeDeps } from "../deps.ts";
import { newId } from "../ids.ts";
import { readInputs } from "../inputs.ts";
import { DEFAULT_MODEL, presentTimes } from "../present.ts";
import { problemResponses } from "../problem.ts";
import { quoteJob } from "../quote.ts";
import { answers, createRouter, SECURITY, takes } from "../router.ts";
import { byId, eventsOf, follow, pageOf, streams, toPage } from "./work.ts";

const shared = { tags: ["jobs"], security: SECURITY };
const create = createRoute({
  ...shared,
  method: "post",
  path: "/jobs",
  operationId: "createJob",
  summary: "Segment images at full resolution, in the background",
  request: {
    headers: z.object({
      "idempotency-key": z.string().min(1).max(200).optional()
        .describe("the same key and body give the same job, for a day"),
    }),
    body: takes(JobRequest),
  },
  responses: {
    200: answers(Quote, "A quote, for a dry run"),
    202: answers(Job, "The job, queued"),
    ...problemResponses("not-found", "conflict", "quota-exceeded"),
  },
});

const list = createRoute({
  ...shared,
  method: "get",
  path: "/jobs",
  operationId: "listJobs",
  summary: "Jobs, the newest first",
  request: pageOf,
  responses: {
    200: answers(z.object({ jobs: z.array(Job) }), "A page of jobs"),
    ...problemResponses(),
  },
});

const read = createRoute({
  ...shared,
  method: "get",
  path: "/jobs/{id}",
  operationId: "getJob",
  summary: "State, progress and cost of a job",
  request: byId,
  responses: {
    200: answers(Job, "The job"),
    ...problemResponses("not-found"),
  },
});

const cancel = createRoute({
  ...shared,
  method: "delete",
  path: "/jobs/{id}",
  operationId: "cancelJob",
  summary: "Cancel a job; images that are finished stay usable",
  request: byId,
  responses: {
    200: answers(Job, "The job, cancelled"),
    ...problemResponses("not-found", "conflict"),
  },
});

const followEvents = createRoute({
  ...shared,
  method: "get",
  path: "/jobs/{id}/events",
  operationId: "followJob",
  summary: "Events of a job as they happen (server-sent events)",
  request: eventsOf,
  responses: streams("state, progress and image events until the job ends"),
});

/** The routes. */
export function jobs(deps: EdgeDeps) {
  const { jobs: book } = deps;
  return createRouter()
    .openapi(create, async (c) => {
      const principal = c.get("principal");
      const request = c.req.valid("json");
      checkWebhook(request.webhook, deps.guards);
      const model = request.model ?? DEFAULT_MODEL;
      if (model !== DEFAULT_MODEL) {
        await deps.models.require(principal.tenant, model);
      }
      const images = await readInputs(deps, principal.tenant, request.images);
      const quote = await quoteJob(deps, principal.tenant, {
        images,
        parameters: request.parameters,
      });
      if (request.dryRun) return c.json(quote, 200);
      await deps.usage.require(principal, {
        pixels: quote.pixels,
        gpuSeconds: quote.gpuSeconds,
      });
      const id = await claimId(deps, {
        principal,
        key: c.req.valid("header")["idempotency-key"],
        body: request,
      });
      const known = await findJob(deps, principal.tenant, id);
      const job = known ?? await book.create({
        id,
        tenant: principal.tenant,
        key: principal.id,
        images,
        parameters: request.parameters,
        model,
        outputs: request.outputs,
        webhook: request.webhook ?? null,
        quote,
      });
      // where an earlier request fell in the middle
      if (!job.isPublished) await book.republish(principal.tenant, id);
      return c.json(await presentJob(deps, job), 202);
    })
    .openapi(list, async (c) => {
      const { tenant } = c.get("principal");
      const page = await book.list(tenant, toPage(c.req.valid("query")));
      const all = await Promise.all(page.map((job) => presentJob(deps, job)));
      return c.json({ jobs: all }, 200);
    })
    .openapi(read, async (c) => {
      const { id } = c.req.valid("param");
      const job = await book.get(c.get("principal").tenant, id);
      return c.json(await presentJob(deps, job), 200);
    })
    .openapi(cancel, async (c) => {
      const { id } = c.req.valid("param");
      const job = await book.cancel(c.get("principal").tenant, id);
      return c.json(await presentJob(deps, job), 200);
    })
    .openapi(followEvents, (c) =>
      follow(c, book, {
        id: c.req.valid("param").id,
        after: c.req.valid("header")["last-event-id"],
      }));
}

/** A job as its owner sees it. */
export async function presentJob(
  { jobs: book, now }: Pick<EdgeDeps, "jobs" | "now">,
  job: JobRecord,
): Promise<z.infer<typeof Job>> {
  const settled = job.succeeded + job.failed;
  const elapsed = job.started === null ? 0 : now() - job.started;
  const isDone = isFinal(job.state);
  return {
    id: job.id,
    ...presentTimes(job),
    images: {
      total: job.total,
      succeeded: job.succeeded,
      failed: job.failed,
      cancelled: job.state === "cancelled" ? job.total - settled : 0,
    },
    progress: await readProgress(book, job),
    eta: isDone || settled === 0
      ? null
      : elapsed / settled * (job.total - settled) / 1000,
    cost: {
      gpuSeconds: job.gpuSeconds,
      price: job.price,
      currency: job.quote.currency,
    },
    quote: job.quote,
    model: job.model,
  };
}

/** Tiles: those of images that are done, and the last word of those that run. */
async function readProgress(
  book: EdgeDeps["jobs"],
  job: JobRecord,
): Promise<{ done: number; total: number }> {
  const perImage = Math.max(1, Math.round(job.quote.tiles / job.total));
  const settled = job.succeeded + job.failed;
  // nothing has begun, all has ended, or it is too much to look at
  if (job.state === "queued" || isFinal(job.state) || job.total > 64) {
    return { done: settled * perImage, total: job.total * perImage };
  }
  const last = new Map<number, { done: number; total: number }>();
  const events = await book.events.read([job.tenant, job.id], { limit: 1000 });
  for (const { type, data } of events) {
    if (type !== "progress") continue;
    const { index, done, total } = data as {
      index: number;
      done: number;
      total: number;
    };
    last.set(index, { done, total });
  }
  let [done, total] = [0, 0];
  for (let index = 0; index < job.total; index++) {
    const image = last.get(index);
    done += image?.done ?? 0;
    total += image?.total ?? perImage;
  }
  return { done, total };
}

function checkWebhook(
  webhook: string | undefined,
  { webhooks }: EdgeDeps["guards"],
): void {
  if (webhook === undefined) return;
  try {
    webhooks.check(webhook);
  } catch (err) {
    if (!isSegError(err)) throw err;
    const detail = webhooks.isOn
      ? err.message
      : "webhooks are off on this service";
    throw new InvalidRequestError([{ pointer: "/webhook", detail }]);
  }
}

/** The id of a job: a new one, or that of the same request before. */
async function claimId(
  deps: EdgeDeps,
  { principal, key, body }: {
    principal: Principal;
    key: string | undefined;
    body: Readonly<Record<string, unknown>>;
  },
): Promise<string> {
  const id = newId(deps.now());
  if (key === undefined) return id;
  const digest = await digestValue(body);
  const at = [principal.tenant, await digestValue(key)];
  try {
    await deps.idempotency.create(at, { id, digest } as Json);
    return id;
  } catch (err) {
    if (!isSegError(err, "conflict")) throw err;
  }
  const found = await deps.idempotency.get(at);
  const before = found?.value as { id: string; digest: string } | undefined;
  if (before === undefined) return id;
  if (before.digest !== digest) {
    throw new ConflictError(
      `idempotency key`,
      "was used with another body; take a new one",
    );
  }
  return before.id;
}

async function findJob(
  { jobs }: EdgeDeps,
  tenant: string,
  id: string,
): Promise<JobRecord | undefined> {
  try {
    return await jobs.get(tenant, id);
  } catch (err) {
    if (isSegError(err, "not-found")) return undefined;
    throw err;
  }
}
