/**
 * Events of a job or a training as they happen: server-sent events.
 *
 * @module
 */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { isFinal, type State } from "../shared/queue/job_types.ts";
import type { Events, Json, RecordKey } from "../shared/queue/types.ts";

/** Milliseconds between two signs of life of an event stream. */
const HEARTBEAT_MS = 15_000;

/** Answer with the events behind `after`, until the one that ends them. */
export function streamEvents(
  c: Context,
  events: Events,
  { key, after }: { readonly key: RecordKey; readonly after: number },
): Response {
  return streamSSE(c, async (stream) => {
    const over = new AbortController();
    stream.onAbort(() => over.abort());
    const beat = setInterval(() => {
      stream.write(": still here\n\n").catch(() => over.abort());
    }, HEARTBEAT_MS);
    try {
      const { signal } = over;
      for await (const event of events.follow(key, { after, signal })) {
        const { seq, type, data } = event;
        await stream.writeSSE({
          id: `${seq}`,
          event: type,
          data: JSON.stringify(data),
        });
        if (isEnd(type, data)) break;
      }
    } finally {
      clearInterval(beat);
      over.abort();
    }
  });
}

function isEnd(type: string, data: Json): boolean {
  if (type !== "state" || typeof data !== "object" || data === null) {
    return false;
  }
  return "state" in data && isFinal(data.state as State);
}
