/**
 * A backend under test, and short ways to use it.
 *
 * @module
 */
import { expect } from "vitest";
import type {
  Delivery,
  JobQueue,
  QueueBackend,
  QueueOptions,
  RecordChange,
} from "../../shared/queue/types.ts";

/** A backend to test, how time passes for it, and how to be rid of it. */
export interface BackendUnderTest {
  /** Two connections, as of two processes. */
  readonly backends: readonly [QueueBackend, QueueBackend];
  /** Let time pass for the backend. */
  advance(ms: number): Promise<void>;
  remove(): Promise<void>;
}

/** Long enough for a busy machine, short enough to wait for. */
export const LEASE_MS = 1000;

/** When a lease is over. */
export const EXPIRED_MS = LEASE_MS + 250;

/** Bounds a wait that should end much earlier. */
export const WAIT_MS = 10_000;

export const DEFAULTS: QueueOptions = { leaseMs: LEASE_MS, maxDeliveries: 3 };

let queues = 0;

/** A new queue, over both connections. */
export async function openQueue(
  [one, two]: BackendUnderTest["backends"],
  options: Partial<QueueOptions> = {},
): Promise<[JobQueue, JobQueue]> {
  const queue = `queue-${queues++}`;
  const said = { ...DEFAULTS, ...options };
  return [await one.queue(queue, said), await two.queue(queue, said)];
}

/** The depth of a queue without messages. */
export const EMPTY = { waiting: 0, started: 0, oldestMs: 0, dead: 0 };

export async function pullOne(queue: JobQueue): Promise<Delivery> {
  const [delivery] = await queue.pull({ waitMs: WAIT_MS });
  expect(delivery).toBeDefined();
  return delivery;
}

export async function nextChange(
  changes: AsyncIterator<RecordChange<number>>,
): Promise<RecordChange<number> | undefined> {
  const { value, done } = await changes.next();
  return done ? undefined : value;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
