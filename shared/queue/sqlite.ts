/**
 * Queues, records and events in one SQLite file: the embedded default. Any
 * number of processes on one machine may open it.
 *
 * @module
 */
import { isSegError, QueueError } from "../errors.ts";
import { requireName } from "./names.ts";
import { openDatabase } from "./sqlite/database.ts";
import { sqliteEvents } from "./sqlite/events.ts";
import { sqliteQueue } from "./sqlite/queue.ts";
import { sqliteRecords } from "./sqlite/records.ts";
import type { Clock, Json, QueueBackend, RecordOptions } from "./types.ts";
import { createWakes } from "./wake.ts";

/** A file, and what time it is. */
export interface SqliteOptions {
  /** The file, made if it is not there; `:memory:` lasts until closed. */
  readonly path: string;
  readonly now?: Clock;
}

/**
 * Open a file.
 *
 * @throws {QueueError} if it is no database, or of a newer version
 */
export function openSqlite(
  { path, now = Date.now }: SqliteOptions,
): QueueBackend {
  const closing = new AbortController();
  const db = open(path);
  const home = { db, now, wakes: createWakes(), signal: closing.signal };
  return {
    queue: (name, options) =>
      Promise.resolve()
        .then(() => sqliteQueue(home, requireName(name, "name"), options)),
    records: <Value extends Json>(
      bucket: string,
      options: RecordOptions = {},
    ) =>
      Promise.resolve().then(() =>
        sqliteRecords<Value>(home, requireName(bucket, "bucket"), options)
      ),
    events: (name, options = {}) =>
      Promise.resolve()
        .then(() => sqliteEvents(home, requireName(name, "name"), options)),
    ping: () =>
      Promise.resolve()
        .then(() => db.first("SELECT 1 AS one")?.one === 1)
        .catch(() => false),
    close() {
      if (!closing.signal.aborted) {
        closing.abort();
        db.close();
      }
      return Promise.resolve();
    },
  };
}

function open(path: string) {
  try {
    return openDatabase(path);
  } catch (cause) {
    if (isSegError(cause)) throw cause;
    const detail = cause instanceof Error ? `${path}: ${cause.message}` : path;
    throw new QueueError("open", { detail, cause });
  }
}
