/**
 * Events in a JetStream stream, one subject a job; a number is the sequence in
 * the stream.
 *
 * @module
 */
import { DeliverPolicy, DiscardPolicy, StorageType } from "@nats-io/jetstream";
import { joinKey, requireName, writeJson } from "../names.ts";
import type { EventOptions, Events, Json, StoredEvent } from "../types.ts";
import { anyOf } from "../wake.ts";
import {
  ANSWER_MS,
  type Home,
  nanos,
  readStream,
  requireStream,
  surface,
  surfaceRepeated,
} from "./home.ts";

const HOUR_MS = 60 * 60 * 1000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** Events that are read at a time. */
const PAGE = 500;

/** Make a stream of events of this name, or connect to it. */
export async function natsEvents(
  home: Home,
  name: string,
  { keepMs = WEEK_MS }: EventOptions,
): Promise<Events> {
  const { js, jsm, signal: closed } = home;
  const stream = `cytoedge_events_${name}`;
  const subjectOf = (key: string) => `cytoedge.events.${name}.${key}`;

  await surface("open", () =>
    requireStream(home, {
      name: stream,
      subjects: [subjectOf(">")],
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_age: nanos(keepMs),
      duplicate_window: nanos(Math.min(HOUR_MS, keepMs)),
    }));

  const repeated = <T>(operation: string, run: () => Promise<T>) =>
    surfaceRepeated({ operation, signal: closed }, run);

  return {
    async append(key, { type, data, id }) {
      const joined = joinKey(key);
      requireName(type, "type");
      const text = `{"type":"${type}","data":${writeJson(data, "data")}}`;
      // without an id of the caller's, one that lets this call be repeated
      const event = id === undefined
        ? crypto.randomUUID()
        : requireName(id, "id");
      const { seq } = await repeated(
        "append",
        () =>
          js.publish(subjectOf(joined), text, {
            msgID: `${joined}/${event}`,
            timeout: ANSWER_MS,
          }),
      );
      return seq;
    },

    async read(key, { after = 0, limit = PAGE } = {}) {
      const subject = subjectOf(joinKey(key));
      return await repeated("read", async () => {
        const query = { subject, from: after + 1, limit };
        return (await readStream(home, stream, query))
          .map((message) =>
            eventOf(message.json(), message.seq, message.time.getTime())
          );
      });
    },

    async *follow(key, { after = 0, signal }) {
      const subject = subjectOf(joinKey(key));
      const ended = anyOf(closed, signal);
      if (ended.aborted) return;
      // an ordered consumer: made anew, from where it was, after a restart
      const messages = await repeated("follow", async () => {
        const consumer = await js.consumers.get(stream, {
          filter_subjects: subject,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: after + 1,
        });
        return await consumer.consume({ max_messages: PAGE });
      });
      const stop = () => messages.stop();
      ended.addEventListener("abort", stop);
      try {
        for await (const message of messages) {
          if (ended.aborted) return;
          const atMs = message.time.getTime();
          yield eventOf(message.json(), message.seq, atMs);
          if (ended.aborted) return;
        }
      } finally {
        ended.removeEventListener("abort", stop);
        await messages.close().catch(() => {});
      }
    },

    async purge(key) {
      const filter = subjectOf(joinKey(key));
      await repeated("purge", () => jsm.streams.purge(stream, { filter }));
    },
  };
}

function eventOf(
  stored: { type: string; data: Json },
  seq: number,
  atMs: number,
): StoredEvent {
  return { seq, ...stored, atMs };
}
