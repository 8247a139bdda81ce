/**
 * Routers whose bodies and parameters are checked the same way everywhere.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { InvalidRequestError } from "../shared/errors.ts";
import type { AppEnv } from "./auth.ts";

/** A router; what does not fit its schemas becomes an `InvalidRequestError`. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      throw new InvalidRequestError(result.error.issues.map((issue) => ({
        pointer: issue.path.length === 0
          ? result.target
          : `/${issue.path.map(String).join("/")}`,
        detail: issue.message,
      })));
    },
  });
}

/** What every route under `/v1` asks for. */
export const SECURITY = [{ key: [] }];

/** A JSON answer, for a route's documentation. */
export function answers<Schema>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body, for a route's documentation. */
export function takes<Schema>(schema: Schema) {
  return {
    required: true,
    content: { "application/json": { schema } },
  };
}
