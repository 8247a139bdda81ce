/**
 * The contract of queues, records (job state) and events: what edge and worker
 * may expect of SQLite and of NATS JetStream alike. `test/queue/contract.ts`
 * holds each adapter to it.
 *
 * Delivery is at least once. Exactly once comes from the record: a job is
 * settled by `Records.update` at the revision that was read, of several
 * writers one succeeds, and the message is acknowledged after that. Therefore
 * a late `ack` of a lost lease is harmless.
 *
 * Names (of queues, buckets, tenants, ids) are 1 to 128 of `A-Z a-z 0-9 _ -`.
 * Every failure is a `QueueError`: the operation may or may not have happened.
 *
 * @module
 */

/** Time as the adapters see it, ms since 1970. */
export type Clock = () => number;

/** What JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** One message: a job, or one unit of a job's plan. At most 512 KiB of JSON. */
export interface Message {
  /**
   * Names the work: a second message of the same id is dropped for `dedupeMs`
   * after the first was published. Several parts of a name are joined by dots:
   * `JOB`, or `JOB.block-3` of a plan.
   */
  readonly id: string;
  readonly body: Json;
}

/** A message that is leased to whoever pulled it. */
export interface Delivery extends Message {
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** ms since 1970. */
  readonly publishedMs: number;
  /**
   * Renew the lease for another `leaseMs`; false where it is lost: somebody
   * else may have the message, stop working on it.
   */
  extend(): Promise<boolean>;
  /** The work is done and its outcome recorded: forget the message. */
  ack(): Promise<void>;
  /**
   * Give the message back; it comes again after `delayMs` (default 0), or goes
   * to the dead letters with `error` if this was its last attempt. Does
   * nothing where the lease is lost.
   */
  nak(options: { error: string; delayMs?: number }): Promise<void>;
  /** Put the message among the dead letters: it can never succeed. */
  reject(error: string): Promise<void>;
}

/** A poison message, kept with its error. */
export interface DeadLetter extends Message {
  readonly attempts: number;
  /** Why: the error of the last attempt, or that its lease expired. */
  readonly error: string;
  /** ms since 1970. */
  readonly diedMs: number;
}

/** How full a queue is. */
export interface QueueDepth {
  /** Messages that were never delivered. */
  readonly waiting: number;
  /** Messages delivered at least once and not settled. */
  readonly started: number;
  /** Age of the oldest message of both kinds, ms; 0 if there is none. */
  readonly oldestMs: number;
  readonly dead: number;
}

/** How messages of a queue are delivered; the same for all its users. */
export interface QueueOptions {
  /** A message comes again so long after its last sign of life, ms. */
  readonly leaseMs: number;
  /** After so many deliveries without an ack it goes to the dead letters. */
  readonly maxDeliveries: number;
  /** How long a message id is remembered, ms (default an hour). */
  readonly dedupeMs?: number;
  /**
   * Called before a message goes to the dead letters, by whoever finds that it
   * must: record the failure. May be called again for the same message; where
   * it fails, the message stays in the queue. "forget" drops the message
   * instead: its work was done, and only the ack is missing.
   */
  readonly onDead?: (letter: DeadLetter) => Promise<"forget" | void>;
}

/** What a consumer asks for. */
export interface PullOptions {
  /** Messages at most (default 1). */
  readonly limit?: number;
  /** How long to wait for the first one, ms (default 0: do not wait). */
  readonly waitMs?: number;
  /** Ends the wait; what was leased by then is still returned. */
  readonly signal?: AbortSignal;
}

/** A queue; any number of processes may publish and pull. */
export interface JobQueue {
  /** Add a message; durable when it returns. */
  publish(message: Message): Promise<{ readonly isDuplicate: boolean }>;
  /** Lease messages, oldest first; none if none came in time. */
  pull(options?: PullOptions): Promise<readonly Delivery[]>;
  depth(): Promise<QueueDepth>;
  /** Dead letters, oldest first. */
  deadLetters(
    options?: { readonly limit?: number },
  ): Promise<readonly DeadLetter[]>;
  /**
   * Publish a dead letter again, with all its attempts, and forget it.
   *
   * @throws {NotFoundError} if there is none of that id
   */
  revive(id: string): Promise<void>;
  /** Forget a dead letter; nothing happens if there is none. */
  bury(id: string): Promise<void>;
}

/** Where a record is: `[tenant, id]`; a prefix of it names many. */
export type RecordKey = readonly string[];

/** A value and the revision to update it at. */
export interface StoredRecord<Value extends Json> {
  readonly key: RecordKey;
  readonly value: Value;
  /** Grows with each change; opaque otherwise. */
  readonly revision: number;
}

/** A change of a record: its new value, or that it was deleted. */
export type RecordChange<Value extends Json> =
  | StoredRecord<Value>
  | { readonly key: RecordKey; readonly value: undefined };

/** Small JSON values under keys, changed by compare-and-set: job states. */
export interface Records<Value extends Json> {
  /**
   * Add a record.
   *
   * @returns its revision
   * @throws {ConflictError} if there is one
   */
  create(key: RecordKey, value: Value): Promise<number>;
  get(key: RecordKey): Promise<StoredRecord<Value> | undefined>;
  /**
   * Replace the record that has this revision.
   *
   * @returns the new revision
   * @throws {ConflictError} if it has another one, or is gone
   */
  update(key: RecordKey, value: Value, revision: number): Promise<number>;
  /** Delete a record; nothing happens if there is none. */
  delete(key: RecordKey): Promise<void>;
  /**
   * Records below a prefix, in order of their keys: ids that begin with their
   * time list by age.
   *
   * @param options  `after`: id of the last record of the previous page;
   *                 `limit` (default 100); `newestFirst`: in reverse order
   */
  list(
    prefix: RecordKey,
    options?: ListOptions,
  ): Promise<readonly StoredRecord<Value>[]>;
  /**
   * The record as it is, then each change; changes in quick succession may be
   * seen as one, the last is never missed. Ends with the signal. A record that
   * does not exist yet is waited for.
   */
  watch(
    key: RecordKey,
    signal: AbortSignal,
  ): AsyncIterable<RecordChange<Value>>;
}

/** A page of records. */
export interface ListOptions {
  readonly after?: RecordKey;
  readonly limit?: number;
  readonly newestFirst?: boolean;
}

/** How a bucket of records is kept; the same for all its users. */
export interface RecordOptions {
  /** Records vanish so long after their last change, ms (default never). */
  readonly ttlMs?: number;
  /**
   * Changes do not wait for the disk: a power failure may undo them, though
   * never one that came before a durable write (another record's, a message's
   * publication) without undoing that, too. Of one bucket some may be changed
   * so and others not. Default false: durable when the call returns.
   */
  readonly isSoon?: boolean;
}

/** An event of a job, as a stream of server-sent events carries it. */
export interface StoredEvent {
  /** Grows within a job, not by one: the event's id, and where to resume. */
  readonly seq: number;
  readonly type: string;
  readonly data: Json;
  /** ms since 1970. */
  readonly atMs: number;
}

/** Append-only events per job. */
export interface Events {
  /**
   * Add an event.
   *
   * @param event  `id`: an event of this id is added once, within an hour
   * @returns its sequence number; that of the first for a duplicate
   */
  append(
    key: RecordKey,
    event: { readonly type: string; readonly data: Json; readonly id?: string },
  ): Promise<number>;
  /** Events behind `after` (0: all), oldest first, at most `limit`. */
  read(
    key: RecordKey,
    options?: { readonly after?: number; readonly limit?: number },
  ): Promise<readonly StoredEvent[]>;
  /** Events behind `after`, then those to come, until the signal. */
  follow(
    key: RecordKey,
    options: { readonly after?: number; readonly signal: AbortSignal },
  ): AsyncIterable<StoredEvent>;
  /** Forget all events of a job. */
  purge(key: RecordKey): Promise<void>;
}

/** How long events are kept; the same for all their users. */
export interface EventOptions {
  /** ms (default a week). */
  readonly keepMs?: number;
}

/**
 * One connection to the queue server or file, and all that is kept in it. The
 * same name with the same options is the same thing, in every process.
 */
export interface QueueBackend {
  queue(name: string, options: QueueOptions): Promise<JobQueue>;
  records<Value extends Json>(
    bucket: string,
    options?: RecordOptions,
  ): Promise<Records<Value>>;
  events(name: string, options?: EventOptions): Promise<Events>;
  /** Whether it answers; for readiness checks, bounded in time. */
  ping(): Promise<boolean>;
  /** End waits and watches, flush, disconnect. */
  close(): Promise<void>;
}
