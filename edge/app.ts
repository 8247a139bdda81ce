/**
 * SPINE of the edge: middleware, then routes in the order a client meets them.
 *
 * @module
 */
import type { Context } from "hono";
import { cors } from "hono/cors";
import { routePath } from "hono/route";
import { NotFoundError } from "../shared/errors.ts";
import { newId } from "./ids.ts";
import { type AppEnv, authenticate, requireScope } from "./auth.ts";
import type { EdgeDeps } from "./deps.ts";
import { docs } from "./docs.ts";
import { limitBody, SECURITY_HEADERS } from "./limits.ts";
import { allowedMethods } from "./methods.ts";
import { page } from "./page.ts";
import { describeProblem, problemHeaders, problemResponse } from "./problem.ts";
import { createRouter } from "./router.ts";
import { health } from "./routes/health.ts";
import { jobs } from "./routes/jobs.ts";
import { modelFiles } from "./routes/model_files.ts";
import { models } from "./routes/models.ts";
import { previews } from "./routes/previews.ts";
import { prompts } from "./routes/prompts.ts";
import { results } from "./routes/results.ts";
import { scores } from "./routes/scores.ts";
import { trainings } from "./routes/trainings.ts";
import { uploads } from "./routes/uploads.ts";

/** Make the application; `app.fetch` serves it anywhere. */
export function createApp(deps: EdgeDeps) {
  const { settings, metrics, log } = deps;
  const app = createRouter();

  app.use(async (c, next) => {
    const start = performance.now();
    const requestId = newId(deps.now());
    c.set("requestId", requestId);
    await next();
    c.header("x-request-id", requestId);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
      c.header(name, value);
    }
    const seconds = (performance.now() - start) / 1000;
    const { method, path } = c.req;
    metrics.request(routePath(c, -1), method, c.res.status, seconds);
    log({ requestId, method, path, status: c.res.status, seconds });
  });
  if (settings.corsOrigins.length > 0) {
    app.use(cors({
      origin: [...settings.corsOrigins],
      exposeHeaders: ["x-request-id"],
      maxAge: 3600,
    }));
  }
  app.use("/v1/*", authenticate(deps));
  app.use("/v1/*", requireScope("segment"));
  app.use(
    "/v1/*",
    limitBody({
      maxBytes: settings.maxBodyBytes,
      idleMs: settings.idleMs,
      totalMs: settings.timeoutMs,
    }),
  );

  app.onError((thrown, c) => {
    const err = c.get("bodyError") ?? thrown;
    const problem = describeProblem(err);
    if (problem.status >= 500) {
      const stack = err instanceof Error ? err.stack ?? err.message : `${err}`;
      log({ requestId: c.get("requestId"), error: stack });
    }
    return problemResponse(
      { ...problem, requestId: c.get("requestId") },
      problemHeaders(err),
    );
  });

  const routes = app
    .route("/v1", uploads(deps))
    .route("/v1", previews(deps))
    .route("/v1", prompts(deps))
    .route("/v1", jobs(deps))
    .route("/v1", results(deps))
    .route("/v1", scores(deps))
    .route("/v1", modelFiles(deps))
    .route("/v1", models(deps))
    .route("/v1", trainings(deps))
    .route("/", health(deps));

  routes.route("/", docs(routes));
  routes.route("/", page(deps));
  const { serveStored } = deps;
  if (serveStored) {
    // the length is signed; a slow line may take long, but not stand still
    const { idleMs } = settings;
    routes.use(
      "/store/*",
      limitBody({ maxBytes: Infinity, idleMs, totalMs: Infinity }),
    );
    routes.all("/store/*", (c) => serveStored(c.req.raw));
  }
  routes.notFound((c: Context<AppEnv>) => {
    const allowed = allowedMethods(routes.routes, c.req.path);
    const requestId = c.get("requestId");
    if (allowed.length === 0) {
      const problem = describeProblem(new NotFoundError("route", c.req.path));
      return problemResponse({ ...problem, requestId });
    }
    return problemResponse({
      type: "/problems/method-not-allowed",
      title: "The method is not allowed",
      status: 405,
      detail: `${c.req.path} takes ${allowed.join(", ")}`,
      requestId,
    }, { allow: allowed.join(", ") });
  });
  return routes;
}

/** The application's type: what a typed client is made of. */
export type App = ReturnType<typeof createApp>;
