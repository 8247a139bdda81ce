/**
 * `/trainings`: a model tuned on labelled uploads, taken only where held-out
 * images say that it is not worse than its parent.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { TaskRecord } from "../../shared/queue/tasks.ts";
import type { Json } from "../../shared/queue/types.ts";
import { TrainingInput, TrainingOutput } from "../../shared/schema/tasks.ts";
import { Training, TrainingRequest } from "../../shared/schema/wire.ts";
import { requireScope } from "../auth.ts";
import type { EdgeDeps } from "../deps.ts";
import { newId } from "../ids.ts";
import { DEFAULT_MODEL, presentStored, presentTimes } from "../present.ts";
import { problemResponses } from "../problem.ts";
import { answers, createRouter, SECURITY, takes } from "../router.ts";
import { findUpload, pathOf } from "../stored_uploads.ts";
import { byId, eventsOf, follow, pageOf, streams, toPage } from "./work.ts";

const shared = {
  tags: ["trainings"],
  security: SECURITY,
  middleware: requireScope("train"),
};

const create = createRoute({
  ...shared,
  method: "post",
  path: "/trainings",
  operationId: "createTraining",
  summary: "Tune a model on labelled images, in the background",
  request: { body: takes(TrainingRequest) },
  responses: {
    202: answers(Training, "The training, queued"),
    ...problemResponses("not-found", "conflict", "quota-exceeded"),
  },
});

const list = createRoute({
  ...shared,
  method: "get",
  path: "/trainings",
  operationId: "listTrainings",
  summary: "Trainings, the newest first",
  request: pageOf,
  responses: {
    200: answers(z.object({ trainings: z.array(Training) }), "A page"),
    ...problemResponses(),
  },
});

const read = createRoute({
  ...shared,
  method: "get",
  path: "/trainings/{id}",
  operationId: "getTraining",
  summary: "State of a training, and its report",
  request: byId,
  responses: {
    200: answers(Training, "The training"),
    ...problemResponses("not-found"),
  },
});

const cancel = createRoute({
  ...shared,
  method: "delete",
  path: "/trainings/{id}",
  operationId: "cancelTraining",
  summary: "Cancel a training",
  request: byId,
  responses: {
    200: answers(Training, "The training, cancelled"),
    ...problemResponses("not-found", "conflict"),
  },
});

const followEvents = createRoute({
  ...shared,
  method: "get",
  path: "/trainings/{id}/events",
  operationId: "followTraining",
  summary: "The log of a training as it happens (server-sent events)",
  request: eventsOf,
  responses: streams("state, log and message events until the training ends"),
});

/** The routes. */
export function trainings(deps: EdgeDeps) {
  const { trainings: book } = deps;
  return createRouter()
    .openapi(create, async (c) => {
      const principal = c.get("principal");
      const { tenant } = principal;
      const request = c.req.valid("json");
      const { model } = request;
      if (model !== DEFAULT_MODEL) await deps.models.require(tenant, model);
      // how long it takes is not known: a budget that is used up refuses it
      await deps.usage.require(principal, { gpuSeconds: 1 });
      const items = [];
      for (const { upload, labels } of request.images) {
        const image = await findUpload(deps, tenant, upload);
        const truth = await findUpload(deps, tenant, labels);
        items.push({
          image: pathOf(upload, image),
          imageName: image.name,
          labels: pathOf(labels, truth),
          labelsName: truth.name,
        });
      }
      const input: TrainingInput = {
        name: request.name,
        model,
        licence: request.licence ?? null,
        items,
        settings: request.settings,
      };
      const task = await book.create({
        tenant,
        id: newId(deps.now()),
        key: principal.id,
        input: input as unknown as Json,
      });
      return c.json(present(task), 202);
    })
    .openapi(list, async (c) => {
      const { tenant } = c.get("principal");
      const page = await book.list(tenant, toPage(c.req.valid("query")));
      return c.json({ trainings: page.map(present) }, 200);
    })
    .openapi(read, async (c) => {
      const { id } = c.req.valid("param");
      const task = await book.get(c.get("principal").tenant, id);
      return c.json(present(task), 200);
    })
    .openapi(cancel, async (c) => {
      const { id } = c.req.valid("param");
      const task = await book.cancel(c.get("principal").tenant, id);
      return c.json(present(task), 200);
    })
    .openapi(followEvents, (c) =>
      follow(c, book, {
        id: c.req.valid("param").id,
        after: c.req.valid("header")["last-event-id"],
      }));
}

function present(task: TaskRecord): z.infer<typeof Training> {
  const { name, model: parent } = TrainingInput.parse(task.input);
  const output = task.state === "succeeded"
    ? TrainingOutput.parse(task.output)
    : undefined;
  return {
    id: task.id,
    name,
    parent,
    ...presentTimes(task),
    report: output ? presentReport(output) : null,
    model: output?.model && !task.isDeleted
      ? presentStored(task.id, output.model)
      : null,
  };
}

function presentReport(output: TrainingOutput) {
  const { model: _, parent, tuned, ...report } = output;
  return { ...report, ap: { parent, tuned } };
}
