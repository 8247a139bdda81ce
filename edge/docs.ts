/**
 * `/openapi.json` and `/docs`: the interface, described from its own schemas.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { absolutePath } from "swagger-ui-dist";
import { NotFoundError } from "../shared/errors.ts";
import type { AppEnv } from "./auth.ts";
import { createRouter } from "./router.ts";
import { VERSION } from "../shared/version.ts";

/** Files of the documentation page; no other is served. */
const ASSETS: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cytoedge API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START =
  `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true });\n`;

/** No script but ours, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/** Describe an application and serve the description. */
export function docs(app: OpenAPIHono<AppEnv>) {
  app.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "ce_…",
    description: "A key of `cli keys create`, or a token of the provider",
  });
  let document: string | undefined;
  const router = createRouter();
  router.get("/openapi.json", (c) => {
    document ??= JSON.stringify(describe(app));
    return c.body(document, 200, { "content-type": "application/json" });
  });
  router.get("/docs", (c) => {
    c.header("content-security-policy", POLICY);
    return c.html(PAGE);
  });
  router.get(
    "/docs/start.js",
    (c) =>
      c.body(START, 200, { "content-type": "text/javascript; charset=utf-8" }),
  );
  router.get("/docs/:file", async (c) => {
    const file = c.req.param("file");
    const type = ASSETS[file];
    if (type === undefined) throw new NotFoundError("file", file);
    const bytes = await readFile(`${absolutePath()}/${file}`);
    return c.body(new Uint8Array(bytes), 200, {
      "content-type": type,
      "cache-control": "public, max-age=86400",
    });
  });
  return router;
}

function describe(app: OpenAPIHono<AppEnv>): object {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "cytoedge",
      version: VERSION,
      description:
        "Cell segmentation: previews at once, jobs at full resolution, scores.",
      license: { name: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
  });
}
