/**
 * `/models` and `/usage`: what can be asked for, how a checkpoint becomes a
 * model, and what was used.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { TenantModel as Found } from "../../shared/queue/models.ts";
import type { Json } from "../../shared/queue/types.ts";
import { ImportInput } from "../../shared/schema/tasks.ts";
import {
  Id,
  ModelRequest,
  Models,
  TenantModel,
  Usage,
} from "../../shared/schema/wire.ts";
import { requireScope } from "../auth.ts";
import { deleteModel } from "../delete_model.ts";
import type { EdgeDeps } from "../deps.ts";
import { newId } from "../ids.ts";
import { presentModel, presentStored, presentTimes } from "../present.ts";
import { problemResponses } from "../problem.ts";
import { answers, createRouter, SECURITY, takes } from "../router.ts";
import { findUpload, pathOf } from "../stored_uploads.ts";

const shared = { tags: ["models"], security: SECURITY };

const listModels = createRoute({
  ...shared,
  method: "get",
  path: "/models",
  operationId: "listModels",
  summary: "Models that jobs may use, with licence and digest",
  responses: {
    200: answers(Models, "The models"),
    ...problemResponses("model"),
  },
});

const importModel = createRoute({
  ...shared,
  method: "post",
  path: "/models",
  operationId: "importModel",
  summary: "Make a model of an uploaded checkpoint",
  middleware: requireScope("train"),
  request: { body: takes(ModelRequest) },
  responses: {
    202: answers(TenantModel, "The model, on its way"),
    ...problemResponses("not-found"),
  },
});

const readModel = createRoute({
  ...shared,
  method: "get",
  path: "/models/{id}",
  operationId: "getModel",
  summary: "Whether a model is ready, or why it cannot be",
  request: { params: z.object({ id: Id }) },
  responses: {
    200: answers(TenantModel, "The model"),
    ...problemResponses("not-found"),
  },
});

const removeModel = createRoute({
  ...shared,
  method: "delete",
  path: "/models/{id}",
  operationId: "deleteModel",
  summary: "Forget a model of yours and delete its files",
  middleware: requireScope("train"),
  request: { params: z.object({ id: Id }) },
  responses: {
    204: { description: "It is gone" },
    ...problemResponses("not-found", "conflict"),
  },
});

const readUsage = createRoute({
  method: "get",
  path: "/usage",
  operationId: "getUsage",
  summary: "What each key used each day",
  tags: ["usage"],
  security: SECURITY,
  responses: {
    200: answers(Usage, "Days, the oldest first"),
    ...problemResponses(),
  },
});

/** The routes. */
export function models(deps: EdgeDeps) {
  return createRouter()
    .openapi(listModels, async (c) => {
      const encoder = await deps.preview();
      const own = await deps.models.list(c.get("principal").tenant);
      const ready = own.flatMap(({ id, model }) =>
        model ? [presentStored(id, model)] : []
      );
      const prompted = await deps.prompted?.().catch((err: Error) => {
        // the others can be used all the same
        deps.log({ event: "no prompted model", error: err.message });
        return undefined;
      });
      return c.json({
        models: [presentModel(encoder, true), ...ready],
        ...(prompted ? { prompted: presentModel(prompted.model, false) } : {}),
      }, 200);
    })
    .openapi(importModel, async (c) => {
      const { tenant, id: key } = c.get("principal");
      const request = c.req.valid("json");
      const record = await findUpload(deps, tenant, request.upload);
      const sizeModel = request.sizeModel === undefined ? null : pathOf(
        request.sizeModel,
        await findUpload(deps, tenant, request.sizeModel),
      );
      const input: ImportInput = {
        upload: pathOf(request.upload, record),
        sizeModel,
        file: record.name,
        name: request.name ?? record.name,
        licence: request.licence ?? null,
        precision: request.precision,
      };
      const id = newId(deps.now());
      await deps.imports.create({ tenant, id, key, input: input as Json });
      return c.json(present(await deps.models.get(tenant, id)), 202);
    })
    .openapi(readModel, async (c) => {
      const { tenant } = c.get("principal");
      const { id } = c.req.valid("param");
      return c.json(present(await deps.models.get(tenant, id)), 200);
    })
    .openapi(removeModel, async (c) => {
      const { tenant } = c.get("principal");
      await deleteModel(deps, tenant, c.req.valid("param").id);
      return c.body(null, 204);
    })
    .openapi(readUsage, async (c) => {
      const days = await deps.usage.list(c.get("principal").tenant);
      return c.json({ days, currency: deps.settings.currency }, 200);
    });
}

function present({ id, name, task, model }: Found): z.infer<
  typeof TenantModel
> {
  const isImport = ImportInput.safeParse(task.input).success;
  return {
    id,
    name,
    from: isImport ? "import" : "training",
    ...presentTimes(task),
    model: model ? presentStored(id, model) : null,
  };
}
