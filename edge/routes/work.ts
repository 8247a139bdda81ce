/**
 * What the routes of jobs and of trainings have alike: one by its id, pages,
 * events as they happen.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Events } from "../../shared/queue/types.ts";
import { Id, StreamedEvent } from "../../shared/schema/wire.ts";
import type { AppEnv } from "../auth.ts";
import { streamEvents } from "../events.ts";
import { problemResponses } from "../problem.ts";

/** A book of work that a tenant has asked for. */
interface WorkBook {
  readonly events: Events;
  get(tenant: string, id: string): Promise<unknown>;
}

/** Which one. */
export const byId = { params: z.object({ id: Id }) };

/** Which page. */
export const pageOf = {
  query: z.object({
    after: Id.optional().describe("id of the last one of the page before"),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
};

/** A page as books take it. */
export function toPage({ after, limit }: z.infer<typeof pageOf.query>) {
  return { limit, ...(after === undefined ? {} : { after }) };
}

/** Whose events, from where on. */
export const eventsOf = {
  ...byId,
  headers: z.object({
    "last-event-id": z.string().regex(/^\d+$/).optional()
      .describe("resume behind this event"),
  }),
};

/** Answers of a route that streams events. */
export function streams(description: string) {
  return {
    200: {
      description,
      content: { "text/event-stream": { schema: StreamedEvent } },
    },
    ...problemResponses("not-found"),
  };
}

/** Stream the events of one that the tenant has asked for. */
export async function follow(
  c: Context<AppEnv>,
  book: WorkBook,
  { id, after = "0" }: {
    readonly id: string;
    readonly after?: string | undefined;
  },
): Promise<Response> {
  const { tenant } = c.get("principal");
  await book.get(tenant, id);
  return streamEvents(c, book.events, {
    key: [tenant, id],
    after: Number(after),
  });
}
