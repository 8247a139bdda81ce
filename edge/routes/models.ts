/**
 * `/models` and `/usage`: what can be asked for, and what was used.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { Model, Usage } from "../../shared/schema/wire.ts";
import type { EdgeDeps } from "../deps.ts";
import { presentModel } from "../present.ts";
import { problemResponses } from "../problem.ts";
import { answers, createRouter, SECURITY } from "../router.ts";

const listModels = createRoute({
  method: "get",
  path: "/models",
  operationId: "listModels",
  summary: "Models, with licence and digest",
  tags: ["models"],
  security: SECURITY,
  responses: {
    200: answers(z.object({ models: z.array(Model) }), "All models"),
    ...problemResponses("model"),
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
      return c.json({ models: [presentModel(encoder, true)] }, 200);
    })
    .openapi(readUsage, async (c) => {
      const days = await deps.usage.list(c.get("principal").tenant);
      return c.json({ days, currency: deps.settings.currency }, 200);
    });
}
