/**
 * `/models/default/files`: the model that previews, for browsers that run it
 * themselves.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { NotFoundError } from "../../shared/errors.ts";
import { BINARY } from "../../shared/schema/wire.ts";
import type { EdgeDeps } from "../deps.ts";
import { problemResponses } from "../problem.ts";
import { createRouter, SECURITY } from "../router.ts";

const read = createRoute({
  method: "get",
  path: "/models/default/files/{name}",
  operationId: "getModelFile",
  summary: "A file of the model: model.json, or a file that it names",
  tags: ["models"],
  security: SECURITY,
  request: {
    params: z.object({ name: z.string().regex(/^[\w-][\w.-]{0,99}$/) }),
  },
  responses: {
    200: {
      description: "The file",
      content: { "application/octet-stream": { schema: z.any().meta(BINARY) } },
    },
    ...problemResponses("not-found"),
  },
});

/** The route. */
export function modelFiles({ readModel }: Pick<EdgeDeps, "readModel">) {
  return createRouter().openapi(read, async (c) => {
    const { name } = c.req.valid("param");
    if (readModel === undefined) throw new NotFoundError("model file", name);
    return c.body(await readModel(name), 200, {
      "content-type": "application/octet-stream",
      "cache-control": "private, max-age=300",
    });
  });
}
