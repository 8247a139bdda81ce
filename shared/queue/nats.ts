/**
 * Queues, records and events in NATS JetStream: any number of machines.
 *
 * @module
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { requireName } from "./names.ts";
import { natsEvents } from "./nats/events.ts";
import { ANSWER_MS, type Home, surface } from "./nats/home.ts";
import { natsQueue } from "./nats/queue.ts";
import { natsRecords } from "./nats/records.ts";
import type { Clock, Json, QueueBackend, RecordOptions } from "./types.ts";

/** Where NATS is, and who asks. */
export interface NatsOptions {
  /** `nats://host:4222`, or `tls://`; several of one cluster. */
  readonly servers: readonly string[];
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** Copies of each stream in a cluster: 1 (default), 3 or 5. */
  readonly replicas?: number;
  /** How long the deletion of a record is told to who watches it, ms. */
  readonly deletedMs?: number;
  /** Shown in the server's list of connections. */
  readonly clientName?: string;
  /** For ages; leases are timed by the server. */
  readonly now?: Clock;
}

/** How long a probe, or the last words of a connection, may take, ms. */
const BRIEF_MS = 2_000;

/** Longer than a watch takes to be made again. */
const DELETED_MS = 5 * 60_000;

/** Pause between attempts to connect again, ms. */
const RECONNECT_MS = 250;

/**
 * Connect. A connection that breaks is made again for as long as it takes;
 * operations meanwhile wait, then fail with a QueueError.
 *
 * @throws {QueueError} if no server answers
 */
export async function openNats(options: NatsOptions): Promise<QueueBackend> {
  const { servers, token, user, password, clientName } = options;
  const { replicas = 1, now = Date.now, deletedMs = DELETED_MS } = options;
  const closing = new AbortController();
  const home = await surface("connect", async (): Promise<Home> => {
    const nc = await connect({
      servers: [...servers],
      timeout: ANSWER_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      // a server that does not answer twice in a row is taken for gone
      pingInterval: ANSWER_MS,
      ...(token !== undefined && { token }),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password }),
      ...(clientName !== undefined && { name: clientName }),
    });
    const js = jetstream(nc, { timeout: ANSWER_MS });
    const jsm = await jetstreamManager(nc, { timeout: ANSWER_MS });
    const { signal } = closing;
    return { nc, js, jsm, now, replicas, deletedMs, signal };
  });
  const { nc } = home;
  return {
    async queue(name, options) {
      return await natsQueue(home, requireName(name, "name"), options);
    },
    async records<Value extends Json>(
      bucket: string,
      options: RecordOptions = {},
    ) {
      requireName(bucket, "bucket");
      return await natsRecords<Value>(home, bucket, options);
    },
    async events(name, options = {}) {
      return await natsEvents(home, requireName(name, "name"), options);
    },
    async ping() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), BRIEF_MS);
      });
      const answer = nc.flush().then(() => true, () => false);
      return await Promise.race([answer, late])
        .finally(() => clearTimeout(timer));
    },
    async close() {
      closing.abort();
      if (nc.isClosed()) return;
      // what was published is sent; a server that is gone is not waited for
      await Promise.race([
        nc.drain().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, BRIEF_MS)),
      ]);
      await nc.close();
    },
  };
}
