/**
 * Long work of one piece, as an import or a training: a record, a message,
 * events. As with jobs, each ends exactly once, by compare-and-set.
 *
 * @module
 */
import { ConflictError, NotFoundError } from "../errors.ts";
import { changeRecord, type Stored } from "./change_record.ts";
import { isFinal, type State } from "./job_types.ts";
import { eachRecord } from "./pages.ts";
import type { Events, JobQueue, Json, QueueBackend, Records } from "./types.ts";

/** Which task. */
export interface TaskRef {
  readonly tenant: string;
  readonly id: string;
}

/** What is kept of a task. */
export interface TaskRecord extends TaskRef {
  /** Of the key that asked for it. */
  readonly key: string;
  readonly state: State;
  /** ms since 1970. */
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly attempts: number;
  readonly input: Json;
  /** What came out, of a task that succeeded. */
  readonly output: Json;
  readonly error: string | null;
  /** The message is in the queue. */
  readonly isPublished: boolean;
  /** What it gave was deleted. */
  readonly isDeleted?: boolean;
}

/** How a task ended. */
export type TaskOutcome =
  | { readonly state: "succeeded"; readonly output: Json }
  | { readonly state: "failed"; readonly error: string };

/** The book of one kind of tasks. */
export interface TaskBook {
  readonly queue: JobQueue;
  readonly events: Events;
  create(
    task: TaskRef & { readonly key: string; readonly input: Json },
  ): Promise<TaskRecord>;
  /** @throws {NotFoundError} also for another tenant's */
  get(tenant: string, id: string): Promise<TaskRecord>;
  /** The newest first. */
  list(
    tenant: string,
    options: { readonly after?: string; readonly limit: number },
  ): Promise<readonly TaskRecord[]>;
  /** Begin; undefined where it has ended. */
  start(ref: TaskRef): Promise<TaskRecord | undefined>;
  /** End it; the first outcome is kept. */
  settle(ref: TaskRef, outcome: TaskOutcome): Promise<TaskRecord>;
  /** Record that what it gave is deleted, or is not. */
  markDeleted(ref: TaskRef, isDeleted: boolean): Promise<void>;
  /** Queue it anew, with all its attempts, unless it has ended. */
  again(ref: TaskRef): Promise<void>;
  /** @throws {ConflictError} if it has ended already */
  cancel(tenant: string, id: string): Promise<TaskRecord>;
  /** Add an event. */
  tell(
    ref: TaskRef,
    event: { readonly type: string; readonly data: Json },
  ): Promise<void>;
  watch(
    tenant: string,
    id: string,
    signal: AbortSignal,
  ): AsyncIterable<TaskRecord>;
  /** Queue again what was written down before `beforeMs`, but not queued. */
  republish(beforeMs: number): Promise<number>;
}

/** How tasks are delivered. */
export interface TaskBookOptions {
  /** ms since 1970. */
  readonly now: () => number;
  /** Default 60 s: an import may block the process for some. */
  readonly leaseMs?: number;
  /** Default 3. */
  readonly maxDeliveries?: number;
  /** Called when one has failed because its deliveries are used up. */
  readonly onGivenUp?: (ref: TaskRef) => Promise<void>;
}

/** Default lease of tasks, ms. */
export const TASK_LEASE_MS = 60_000;

/** Open the book of a kind of tasks; `name` is also that of its queue. */
export async function openTaskBook(
  backend: QueueBackend,
  name: string,
  { now, leaseMs = TASK_LEASE_MS, maxDeliveries = 3, onGivenUp }:
    TaskBookOptions,
): Promise<TaskBook> {
  const records = await backend.records<Json>(name) as unknown as Records<
    Stored<TaskRecord>
  >;
  const events = await backend.events(name);
  const queue = await backend.queue(name, {
    leaseMs,
    maxDeliveries,
    onDead: async ({ body, error, attempts }) => {
      const ref = body as unknown as TaskRef;
      await settle(ref, {
        state: "failed",
        error: `Given up after ${attempts} attempts: ${error}`,
      });
      await onGivenUp?.(ref);
    },
  });

  async function read(tenant: string, id: string): Promise<TaskRecord> {
    const found = await records.get([tenant, id]);
    if (found === undefined) throw new NotFoundError(name.slice(0, -1), id);
    return found.value;
  }

  const change = (
    { tenant, id }: TaskRef,
    next: (task: TaskRecord) => TaskRecord | undefined,
  ) => changeRecord<TaskRecord>(records, [tenant, id], next);

  async function publish({ tenant, id }: TaskRef): Promise<TaskRecord> {
    await queue.publish({ id, body: { tenant, id } });
    return await change({ tenant, id }, (task) => ({
      ...task,
      isPublished: true,
    }));
  }

  async function tellState(task: TaskRecord): Promise<void> {
    await events.append([task.tenant, task.id], {
      type: "state",
      data: { state: task.state, error: task.error },
      id: isFinal(task.state) ? "end" : task.state,
    });
  }

  async function settle(
    ref: TaskRef,
    outcome: TaskOutcome,
  ): Promise<TaskRecord> {
    const task = await change(
      ref,
      (value) =>
        isFinal(value.state) ? undefined : {
          ...value,
          state: outcome.state,
          finished: now(),
          output: outcome.state === "succeeded" ? outcome.output : null,
          error: outcome.state === "failed" ? outcome.error : null,
        },
    );
    await tellState(task);
    return task;
  }

  return {
    queue,
    events,
    get: read,
    settle,
    async create({ tenant, id, key, input }) {
      const task: TaskRecord = {
        tenant,
        id,
        key,
        input,
        state: "queued",
        created: now(),
        started: null,
        finished: null,
        attempts: 0,
        output: null,
        error: null,
        isPublished: false,
      };
      await records.create([tenant, id], task as Stored<TaskRecord>);
      await tellState(task);
      return await publish(task);
    },
    async list(tenant, { after, limit }) {
      const page = await records.list([tenant], {
        limit,
        newestFirst: true,
        ...(after === undefined ? {} : { after: [tenant, after] }),
      });
      return page.map(({ value }) => value);
    },
    async start(ref) {
      const task = await change(
        ref,
        (value) =>
          isFinal(value.state) ? undefined : {
            ...value,
            state: "running",
            started: value.started ?? now(),
            attempts: value.attempts + 1,
          },
      );
      if (isFinal(task.state)) {
        // by one that fell before it could tell
        await tellState(task);
        return undefined;
      }
      await tellState(task);
      return task;
    },
    async markDeleted(ref, isDeleted) {
      await change(ref, (task) => ({ ...task, isDeleted }));
    },
    async again({ tenant, id }) {
      const { state, attempts } = await read(tenant, id);
      if (isFinal(state)) return;
      const name = `${id}.again-${attempts}`;
      await queue.publish({ id: name, body: { tenant, id } });
    },
    async cancel(tenant, id) {
      await read(tenant, id);
      const task = await change({ tenant, id }, (value) => {
        if (isFinal(value.state)) {
          throw new ConflictError(
            `${name.slice(0, -1)} ${id}`,
            `has ${value.state} already`,
          );
        }
        return { ...value, state: "cancelled", finished: now() };
      });
      await tellState(task);
      return task;
    },
    async tell({ tenant, id }, event) {
      await events.append([tenant, id], event);
    },
    async *watch(tenant, id, signal) {
      for await (const change of records.watch([tenant, id], signal)) {
        if (change.value !== undefined) yield change.value;
      }
    },
    async republish(beforeMs) {
      let count = 0;
      for await (const { value } of eachRecord(records, [])) {
        const { state, isPublished, created } = value;
        if (state !== "queued" || isPublished || created > beforeMs) continue;
        await publish(value);
        count++;
      }
      return count;
    },
  };
}
