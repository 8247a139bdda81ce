/**
 * What the queues, records and events of one NATS connection share.
 *
 * @module
 */
import {
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { ArgumentError, isSegError, QueueError } from "../../errors.ts";
import type { Clock } from "../types.ts";

/** An open connection. */
export interface Home {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly now: Clock;
  /** Copies of each stream in a cluster: 1, 3 or 5. */
  readonly replicas: number;
  /** How long the deletion of a record is told to who watches it, ms. */
  readonly deletedMs: number;
  /** Aborts when the connection is closed. */
  readonly signal: AbortSignal;
}

/** How long one answer of the server may take, ms. */
export const ANSWER_MS = 5_000;

/** How often an operation that may be repeated is tried. */
const TRIES = 3;

/** Codes of the JetStream API. */
const CODES = {
  nameInUse: 10058,
  wrongLastSequence: [10071, 10164],
  notFound: [10037, 10059, 10014],
};

/** Nanoseconds, the unit of JetStream's settings. */
export function nanos(ms: number): number {
  return Math.round(ms * 1_000_000);
}

/** Whether a compare-and-set found another revision. */
export function isWrongRevision(err: unknown): boolean {
  return err instanceof JetStreamApiError &&
    CODES.wrongLastSequence.includes(err.code);
}

/** Whether the server says that there is no such thing. */
export function isNotFound(err: unknown): boolean {
  return err instanceof JetStreamApiError && CODES.notFound.includes(err.code);
}

/** Run an operation; what the server or the network refuses is a QueueError. */
export async function surface<T>(
  operation: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (isSegError(cause) || cause instanceof ArgumentError) throw cause;
    const detail = cause instanceof Error
      ? `${cause.name}: ${cause.message}`
      : String(cause);
    throw new QueueError(operation, { detail, cause });
  }
}

/** The same for an operation that may happen twice: a server may restart. */
export function surfaceRepeated<T>(
  { operation, signal }: { operation: string; signal: AbortSignal },
  run: () => Promise<T>,
): Promise<T> {
  return surface(operation, async () => {
    for (let left = TRIES - 1;; left--) {
      try {
        return await run();
      } catch (err) {
        // what the server has answered it would answer again
        const isFinal = err instanceof JetStreamApiError || isSegError(err);
        if (left === 0 || isFinal || signal.aborted) throw err;
      }
    }
  });
}

/** Make a stream, or bring it to this configuration. */
export async function requireStream(
  { jsm, replicas }: Home,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const wanted = { ...config, num_replicas: replicas };
  try {
    await jsm.streams.add(wanted);
  } catch (err) {
    const isThere = err instanceof JetStreamApiError &&
      err.code === CODES.nameInUse;
    if (!isThere) throw err;
    await jsm.streams.update(config.name, wanted);
  }
}

/** Messages of a subject in a stream, from a sequence number on. */
export async function readStream(
  { js }: Home,
  stream: string,
  { subject, from, limit }: {
    readonly subject: string;
    readonly from: number;
    readonly limit: number;
  },
): Promise<JsMsg[]> {
  const consumer = await js.consumers.get(stream, {
    filter_subjects: subject,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  });
  try {
    // a fetch of more than there is would wait for the rest
    const { num_pending } = await consumer.info();
    const wanted = Math.min(num_pending, limit);
    const found: JsMsg[] = [];
    if (wanted === 0) return found;
    const batch = { max_messages: wanted, expires: ANSWER_MS };
    for await (const message of await consumer.fetch(batch)) {
      found.push(message);
    }
    if (found.length === wanted) return found;
    throw new Error(`${found.length} messages of ${wanted} came`);
  } finally {
    await consumer.delete().catch(() => {});
  }
}
