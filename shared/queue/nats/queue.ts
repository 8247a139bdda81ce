/**
 * A queue in JetStream: a work-queue stream with one durable pull consumer,
 * and a stream of dead letters.
 *
 * The consumer delivers without limit; attempts are counted here, so that a
 * message goes to the dead letters with its error and after `onDead`, which
 * the server's own limit (it leaves the message and tells once) cannot do.
 *
 * @module
 */
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
} from "@nats-io/jetstream";
import { NotFoundError } from "../../errors.ts";
import { requireMessage, requireMessageId } from "../names.ts";
import type {
  DeadLetter,
  Delivery,
  JobQueue,
  Json,
  PullOptions,
  QueueOptions,
} from "../types.ts";
import { anyOf } from "../wake.ts";
import {
  ANSWER_MS,
  type Home,
  isNotFound,
  nanos,
  readStream,
  requireStream,
  surface,
  surfaceRepeated,
} from "./home.ts";
import { type Leased, pullMessages } from "./pull.ts";

const HOUR_MS = 60 * 60 * 1000;

/** Errors are kept up to here: a message has at most 1 MiB. */
const MAX_ERROR_LENGTH = 8192;

/** A dead letter as it is stored, under its id. */
interface StoredLetter {
  readonly body: Json;
  readonly attempts: number;
  readonly error: string;
  readonly diedMs: number;
}

/** Make a queue of this name, or connect to it. */
export async function natsQueue(
  home: Home,
  name: string,
  { leaseMs, maxDeliveries, dedupeMs = HOUR_MS, onDead }: QueueOptions,
): Promise<JobQueue> {
  const { nc, js, jsm, now, signal: closed } = home;
  const stream = `cytoedge_queue_${name}`;
  const subject = `cytoedge.queue.${name}`;
  const graves = `cytoedge_dead_${name}`;
  const grave = `cytoedge.dead.${name}`;
  const consumer = "workers";
  const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;

  await surface("open", async () => {
    await requireStream(home, {
      name: stream,
      subjects: [`${subject}.>`],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      // a full stream refuses messages; it never drops them
      discard: DiscardPolicy.New,
      duplicate_window: nanos(dedupeMs),
    });
    await requireStream(home, {
      name: graves,
      subjects: [`${grave}.>`],
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
    });
    await jsm.consumers.add(stream, {
      durable_name: consumer,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(leaseMs),
      max_deliver: -1,
      max_ack_pending: -1,
    });
  });

  const repeated = <T>(operation: string, run: () => Promise<T>) =>
    surfaceRepeated({ operation, signal: closed }, run);

  // the id lets the server drop a repetition
  const send = (id: string, body: string, msgID: string) =>
    repeated(
      "publish",
      () => js.publish(`${subject}.${id}`, body, { msgID, timeout: ANSWER_MS }),
    );

  function deliver(leased: Leased): Delivery {
    const { message, attempt, publishedMs } = leased;
    let leaseEnd = leased.leasedAt + leaseMs;
    let isSettled = false;
    const isLost = () => isSettled || performance.now() >= leaseEnd;
    const answer = (operation: string, text: string) =>
      repeated(
        operation,
        () => nc.request(message.reply ?? "", text, { timeout: ANSWER_MS }),
      );
    return {
      id: message.subject.slice(subject.length + 1),
      body: message.json<Json>(),
      attempt,
      publishedMs,
      async extend() {
        if (isLost()) return false;
        const from = performance.now();
        await answer("extend", "+WPI");
        leaseEnd = from + leaseMs;
        return true;
      },
      async ack() {
        isSettled = true;
        await answer("ack", "+ACK");
      },
      async nak({ error, delayMs = 0 }) {
        if (isLost()) return;
        isSettled = true;
        if (attempt >= maxDeliveries) return await die(leased, attempt, error);
        const delay = delayMs > 0 ? ` {"delay":${nanos(delayMs)}}` : "";
        await answer("nak", `-NAK${delay}`);
      },
      async reject(error) {
        if (isLost()) return;
        isSettled = true;
        await die(leased, attempt, error);
      },
    };
  }

  async function die(
    { message, seq }: Leased,
    attempts: number,
    error: string,
  ): Promise<void> {
    const id = message.subject.slice(subject.length + 1);
    const letter: StoredLetter = {
      body: message.json<Json>(),
      attempts,
      error: error.slice(0, MAX_ERROR_LENGTH),
      diedMs: now(),
    };
    const isKept = await onDead?.({ id, ...letter }) !== "forget";
    // first kept, then forgotten; in between it would only be kept again
    if (isKept) {
      await repeated(
        "reject",
        () =>
          js.publish(`${grave}.${id}`, JSON.stringify(letter), {
            msgID: `${id}.${seq}`,
            timeout: ANSWER_MS,
          }),
      );
    }
    await repeated(
      "reject",
      () => nc.request(message.reply ?? "", "+TERM", { timeout: ANSWER_MS }),
    );
  }

  async function letterOf(id: string): Promise<StoredMsg | null> {
    try {
      const query = { last_by_subj: `${grave}.${requireMessageId(id)}` };
      return await jsm.streams.getMessage(graves, query);
    } catch (err) {
      if (isNotFound(err)) return null;
      throw err;
    }
  }

  const bury = (id: string) =>
    jsm.streams.purge(graves, { filter: `${grave}.${requireMessageId(id)}` });

  return {
    async publish(message) {
      const body = requireMessage(message);
      const { duplicate } = await send(message.id, body, message.id);
      return { isDuplicate: duplicate };
    },

    async pull({ limit = 1, waitMs = 0, signal }: PullOptions = {}) {
      const ended = anyOf(closed, signal);
      const deadline = performance.now() + waitMs;
      for (;;) {
        const left = Math.max(0, deadline - performance.now());
        const leased = await surface(
          "pull",
          () =>
            pullMessages({ nc, subject: next, signal: ended }, {
              limit,
              waitMs: left,
            }),
        );
        const alive = leased.filter(({ attempt }) => attempt <= maxDeliveries);
        let failure: unknown;
        for (const dead of leased) {
          if (alive.includes(dead)) continue;
          const attempts = dead.attempt - 1;
          const error =
            `The lease expired: ${attempts} deliveries ended without an answer`;
          await die(dead, attempts, error)
            .catch((err: unknown) => failure = err);
        }
        // those that live must not wait for one that cannot be buried
        if (alive.length === 0 && failure !== undefined) throw failure;
        if (alive.length > 0 || leased.length === 0) return alive.map(deliver);
      }
    },

    depth: () =>
      repeated("depth", async () => {
        const [queue, workers, dead] = await Promise.all([
          jsm.streams.info(stream),
          jsm.consumers.info(stream, consumer),
          jsm.streams.info(graves),
        ]);
        const { messages, first_ts } = queue.state;
        return {
          waiting: workers.num_pending,
          started: workers.num_ack_pending,
          oldestMs: messages === 0
            ? 0
            : Math.max(0, now() - Date.parse(first_ts)),
          dead: dead.state.messages,
        };
      }),

    deadLetters: ({ limit = 100 } = {}) =>
      repeated("deadLetters", async () => {
        const query = { subject: `${grave}.>`, from: 1, limit };
        const found = await readStream(home, graves, query);
        return found.map((message): DeadLetter => ({
          id: message.subject.slice(grave.length + 1),
          ...message.json<StoredLetter>(),
        }));
      }),

    revive: (id) =>
      surface("revive", async () => {
        const letter = await letterOf(id);
        if (letter === null) throw new NotFoundError("dead letter", id);
        const { body } = letter.json<StoredLetter>();
        // once for each time that it died
        await send(id, JSON.stringify(body), `${id}.revived.${letter.seq}`);
        await bury(id);
      }),

    bury: (id) =>
      repeated("bury", async () => {
        await bury(id);
      }),
  };
}
