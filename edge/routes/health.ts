/**
 * Whether the service lives, is ready, and how it is doing.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { EdgeDeps } from "../deps.ts";
import { answers, createRouter } from "../router.ts";

const State = z.object({ status: z.enum(["ok", "unready"]) })
  .meta({ id: "Health" });

const alive = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "isAlive",
  summary: "The process answers",
  tags: ["operations"],
  responses: { 200: answers(State, "It does") },
});

const ready = createRoute({
  method: "get",
  path: "/readyz",
  operationId: "isReady",
  summary: "Queue and storage answer too",
  tags: ["operations"],
  responses: {
    200: answers(State, "They do"),
    503: answers(State, "They do not"),
  },
});

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  operationId: "getMetrics",
  summary: "Numbers for Prometheus",
  tags: ["operations"],
  responses: {
    200: {
      description: "Prometheus' text form",
      content: { "text/plain": { schema: z.string() } },
    },
  },
});

/** The routes. */
export function health(deps: EdgeDeps) {
  return createRouter()
    .openapi(alive, (c) => c.json({ status: "ok" as const }, 200))
    .openapi(ready, async (c) => {
      const isReady = await deps.backend.ping().catch(() => false);
      return isReady
        ? c.json({ status: "ok" as const }, 200)
        : c.json({ status: "unready" as const }, 503);
    })
    .openapi(metrics, async (c) => {
      const depth = await deps.jobs.queue.depth().catch(() => undefined);
      if (depth) {
        const { waiting, started, dead, oldestMs } = depth;
        deps.metrics.depth({ waiting, started, dead });
        deps.metrics.oldest(oldestMs / 1000);
      }
      return c.text(await deps.registry.metrics(), 200);
    });
}
