/**
 * Records in SQLite, with revisions from one counter.
 *
 * @module
 */
import { ConflictError } from "../../errors.ts";
import { joinKey, requirePrefix, writeJson } from "../names.ts";
import type {
  Json,
  RecordKey,
  RecordOptions,
  Records,
  StoredRecord,
} from "../types.ts";
import { anyOf } from "../wake.ts";
import type { Row } from "./database.ts";
import type { Home } from "./home.ts";

/** How often another process's changes are looked for. */
const POLL_MS = 50;

/** A bucket of this name. */
export function sqliteRecords<Value extends Json>(
  { db, now, wakes, signal: closed }: Home,
  bucket: string,
  { ttlMs, isSoon = false }: RecordOptions,
): Records<Value> {
  const store = isSoon ? db.writeSoon : db.write;
  const topicOf = (key: string) => `record ${bucket} ${key}`;

  function read(key: string): StoredRecord<Value> | undefined {
    const row = db.first(
      `SELECT * FROM records WHERE bucket = ? AND key = ?
       AND (expires IS NULL OR expires > ?)`,
      ...[bucket, key, now()],
    );
    return row && recordOf(row);
  }

  /** Write a record, if the one that is there is as `expected`. */
  async function write(
    operation: string,
    key: string,
    { value, expected }: { value: string; expected: number | undefined },
  ): Promise<number> {
    try {
      return await store(operation, () => {
        const found = read(key)?.revision;
        if (found !== expected) {
          const state = expected === undefined
            ? "exists already"
            : found === undefined
            ? "is gone"
            : "has changed since it was read";
          throw new ConflictError(`record ${bucket} ${key}`, state);
        }
        const at = now();
        db.all("DELETE FROM records WHERE expires <= ?", at);
        const revision = Number(
          db.first("UPDATE counter SET n = n + 1 RETURNING n")?.n,
        );
        db.all(
          `INSERT INTO records (bucket, key, value, revision, expires)
           VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET value = excluded.value,
             revision = excluded.revision, expires = excluded.expires`,
          ...[bucket, key, value, revision],
          ttlMs === undefined ? null : at + ttlMs,
        );
        return revision;
      });
    } finally {
      wakes.wake(topicOf(key));
    }
  }

  return {
    create: (key, value) =>
      write("create", joinKey(key), {
        value: writeJson(value, "value"),
        expected: undefined,
      }),

    get: (key) => Promise.resolve().then(() => read(joinKey(key))),

    update: (key, value, revision) =>
      write("update", joinKey(key), {
        value: writeJson(value, "value"),
        expected: revision,
      }),

    async delete(key) {
      const joined = joinKey(key);
      await store("delete", () => {
        db.all(
          "DELETE FROM records WHERE bucket = ? AND key = ?",
          ...[bucket, joined],
        );
      });
      wakes.wake(topicOf(joined));
    },

    list: (prefix, { after, limit = 100, newestFirst = false } = {}) =>
      Promise.resolve().then(() => {
        const start = requirePrefix(prefix);
        const from = after && joinKey(after);
        // "/" is the character behind "."
        const end = start === "" ? "\uffff" : `${start.slice(0, -1)}/`;
        const [low, high] = newestFirst
          ? [start, from ?? end]
          : [from ?? start, end];
        return db.all(
          `SELECT * FROM records WHERE bucket = ? AND key > ? AND key < ?
           AND (expires IS NULL OR expires > ?)
           ORDER BY key ${newestFirst ? "DESC" : "ASC"} LIMIT ?`,
          ...[bucket, low, high, now(), limit],
        ).map(recordOf<Value>);
      }),

    async *watch(key, signal) {
      const joined = joinKey(key);
      const ended = anyOf(closed, signal);
      let seen: number | undefined;
      while (!ended.aborted) {
        const found = read(joined);
        if (found?.revision !== seen) {
          seen = found?.revision;
          yield found ?? { key: [...key], value: undefined };
          continue;
        }
        await wakes.wait(topicOf(joined), POLL_MS, ended);
      }
    },
  };
}

function recordOf<Value extends Json>(row: Row): StoredRecord<Value> {
  const key: RecordKey = String(row.key).split(".");
  const value: Value = JSON.parse(String(row.value));
  return { key, value, revision: Number(row.revision) };
}
