/**
 * A client whose calls and answers are typed by the application itself.
 *
 * @module
 */
import { hc } from "hono/client";
import type { App } from "./app.ts";

/** What a client may be told. */
export interface ClientOptions {
  /** As `ce_…`. */
  readonly key: string;
  /** Default: the runtime's. */
  readonly fetch?: typeof fetch;
}

/**
 * Make a client of a service.
 *
 *   const client = createClient("https://cells.example.org", { key });
 *   const answer = await client.v1.jobs.$post({ json: { images } });
 *
 * @param url  of the service, without a path
 */
export function createClient(
  url: string,
  { key, fetch: own }: ClientOptions,
): Client {
  return hc<App>(url, {
    headers: { authorization: `Bearer ${key}` },
    ...(own ? { fetch: own } : {}),
  });
}

/** A typed client. */
export type Client = ReturnType<typeof hc<App>>;
