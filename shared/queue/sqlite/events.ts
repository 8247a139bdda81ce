/**
 * Events in SQLite; all jobs share one sequence.
 *
 * @module
 */
import { joinKey, requireName, writeJson } from "../names.ts";
import type { EventOptions, Events, StoredEvent } from "../types.ts";
import { anyOf } from "../wake.ts";
import type { Home } from "./home.ts";

/** How often another process's events are looked for. */
const POLL_MS = 50;

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** Events that a follower reads at a time. */
const PAGE = 500;

/** Events under this name. */
export function sqliteEvents(
  { db, now, wakes, signal: closed }: Home,
  name: string,
  { keepMs = WEEK_MS }: EventOptions,
): Events {
  const topicOf = (key: string) => `events ${name} ${key}`;

  function read(key: string, after: number, limit: number): StoredEvent[] {
    return db.all(
      `SELECT * FROM events WHERE name = ? AND key = ? AND seq > ?
       ORDER BY seq LIMIT ?`,
      ...[name, key, after, limit],
    ).map((row) => ({
      seq: Number(row.seq),
      type: String(row.type),
      data: JSON.parse(String(row.data)),
      atMs: Number(row.at),
    }));
  }

  return {
    async append(key, { type, data, id }) {
      const joined = joinKey(key);
      requireName(type, "type");
      if (id !== undefined) requireName(id, "id");
      const text = writeJson(data, "data");
      const seq = await db.writeSoon("append", () => {
        const at = now();
        db.all("DELETE FROM events WHERE expires <= ?", at);
        const added = db.first(
          `INSERT INTO events (name, key, type, data, at, expires, id)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING seq`,
          ...[name, joined, type, text, at, at + keepMs, id ?? null],
        ) ?? db.first(
          "SELECT seq FROM events WHERE name = ? AND key = ? AND id = ?",
          ...[name, joined, id ?? null],
        );
        return Number(added?.seq);
      });
      wakes.wake(topicOf(joined));
      return seq;
    },

    read: (key, { after = 0, limit = PAGE } = {}) =>
      Promise.resolve().then(() => read(joinKey(key), after, limit)),

    async *follow(key, { after = 0, signal }) {
      const joined = joinKey(key);
      const ended = anyOf(closed, signal);
      while (!ended.aborted) {
        const events = read(joined, after, PAGE);
        for (const event of events) {
          if (ended.aborted) return;
          after = event.seq;
          yield event;
        }
        if (events.length > 0) continue;
        await wakes.wait(topicOf(joined), POLL_MS, ended);
      }
    },

    purge: (key) =>
      db.writeSoon("purge", () => {
        db.all(
          "DELETE FROM events WHERE name = ? AND key = ?",
          ...[name, joinKey(key)],
        );
      }),
  };
}
