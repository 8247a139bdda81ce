/**
 * A queue in SQLite.
 *
 * A lease is the pair of a message's `seq` and `attempts`: the next delivery
 * has another number, so a lost lease can change nothing.
 *
 * @module
 */
import { NotFoundError } from "../../errors.ts";
import { requireMessage } from "../names.ts";
import type {
  DeadLetter,
  Delivery,
  JobQueue,
  Message,
  PullOptions,
  QueueOptions,
} from "../types.ts";
import { anyOf } from "../wake.ts";
import type { Row } from "./database.ts";
import type { Home } from "./home.ts";

/** How often another process's messages and expired leases are looked for. */
const POLL_MS = 50;

const HOUR_MS = 60 * 60 * 1000;

/** A queue of this name. */
export function sqliteQueue(
  { db, now, wakes, signal: closed }: Home,
  queue: string,
  { leaseMs, maxDeliveries, dedupeMs = HOUR_MS, onDead }: QueueOptions,
): JobQueue {
  const topic = `queue ${queue}`;

  function publish(message: Message): Promise<{ isDuplicate: boolean }> {
    const body = requireMessage(message);
    const { id } = message;
    return db.write("publish", () => {
      const at = now();
      const known = db.first(
        `SELECT 1 FROM published WHERE queue = ? AND id = ? AND until > ?
         UNION ALL SELECT 1 FROM messages WHERE queue = ? AND id = ?`,
        ...[queue, id, at, queue, id],
      );
      if (known) return { isDuplicate: true };
      db.all("DELETE FROM published WHERE until <= ?", at);
      db.all(
        "INSERT INTO published (queue, id, until) VALUES (?, ?, ?)",
        ...[queue, id, at + dedupeMs],
      );
      insert(id, body, at);
      return { isDuplicate: false };
    }).finally(() => wakes.wake(topic));
  }

  function insert(id: string, body: string, at: number): void {
    db.all(
      `INSERT INTO messages (queue, id, body, published, visible)
       VALUES (?, ?, ?, ?, ?)`,
      ...[queue, id, body, at, at],
    );
  }

  async function pull(
    { limit = 1, waitMs = 0, signal }: PullOptions = {},
  ): Promise<Delivery[]> {
    const ended = anyOf(closed, signal);
    const deadline = performance.now() + waitMs;
    while (!ended.aborted) {
      if (isReady()) {
        const leased = await lease(limit);
        const alive = leased.filter((row) => attemptOf(row) <= maxDeliveries);
        let failure: unknown;
        for (const row of leased) {
          if (alive.includes(row)) continue;
          await dieExpired(row).catch((err: unknown) => failure = err);
        }
        // those that live must not wait for one that cannot be buried
        if (alive.length > 0) return alive.map(deliver);
        if (failure !== undefined) throw failure;
        if (leased.length > 0) continue;
      }
      const left = deadline - performance.now();
      if (left <= 0) break;
      await wakes.wait(topic, Math.min(left, POLL_MS), ended);
    }
    return [];
  }

  // a look costs no write
  function isReady(): boolean {
    return db.first(
      "SELECT 1 FROM messages WHERE queue = ? AND visible <= ? LIMIT 1",
      ...[queue, now()],
    ) !== undefined;
  }

  async function lease(limit: number): Promise<Row[]> {
    const rows = await db.writeSoon("pull", () => {
      const at = now();
      return db.all(
        `UPDATE messages SET attempts = attempts + 1, visible = ?
         WHERE seq IN (
           SELECT seq FROM messages WHERE queue = ? AND visible <= ?
           ORDER BY visible, seq LIMIT ?
         ) RETURNING *`,
        ...[at + leaseMs, queue, at, limit],
      );
    });
    return rows.sort((a, b) => Number(a.seq) - Number(b.seq));
  }

  function deliver(row: Row): Delivery {
    const attempt = attemptOf(row);
    let isSettled = false;
    // only the newest lease of a message finds it
    const held = [Number(row.seq), attempt];
    const hold = (operation: string, until: () => number) =>
      db.writeSoon(operation, () =>
        db.all(
          `UPDATE messages SET visible = ? WHERE seq = ? AND attempts = ?
           RETURNING seq`,
          ...[until(), ...held],
        ).length === 1);
    return {
      id: String(row.id),
      body: JSON.parse(String(row.body)),
      attempt,
      publishedMs: Number(row.published),
      async extend() {
        if (isSettled) return false;
        return await hold("extend", () => now() + leaseMs);
      },
      async ack() {
        isSettled = true;
        await db.writeSoon("ack", () => {
          db.all(
            "DELETE FROM messages WHERE seq = ? AND attempts = ?",
            ...held,
          );
        });
      },
      async nak({ error, delayMs = 0 }) {
        isSettled = true;
        if (attempt >= maxDeliveries) return await die(row, attempt, error);
        await hold("nak", () => now() + delayMs);
        wakes.wake(topic);
      },
      async reject(error) {
        isSettled = true;
        await die(row, attempt, error);
      },
    };
  }

  function dieExpired(row: Row): Promise<void> {
    const attempts = attemptOf(row) - 1;
    const error =
      `The lease expired: ${attempts} deliveries ended without an answer`;
    return die(row, attempts, error);
  }

  async function die(row: Row, attempts: number, error: string): Promise<void> {
    const held = [Number(row.seq), attemptOf(row)];
    const isHeld = db.first(
      "SELECT 1 FROM messages WHERE seq = ? AND attempts = ?",
      ...held,
    );
    if (!isHeld) return;
    const { id, body } = row;
    const letter = {
      id: String(id),
      body: JSON.parse(String(body)),
      ...{ attempts, error, diedMs: now() },
    };
    const isKept = await onDead?.(letter) !== "forget";
    await db.write("reject", () => {
      const gone = db.all(
        "DELETE FROM messages WHERE seq = ? AND attempts = ? RETURNING seq",
        ...held,
      );
      if (gone.length === 0 || !isKept) return;
      db.all(
        `INSERT INTO dead (queue, id, body, attempts, error, died)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET body = excluded.body, error = excluded.error,
           attempts = excluded.attempts, died = excluded.died`,
        ...[queue, letter.id, String(body), attempts, error, letter.diedMs],
      );
    });
  }

  return {
    publish,
    pull,

    depth: () =>
      Promise.resolve().then(() => {
        const found = db.first(
          `SELECT count(*) FILTER (WHERE attempts = 0) AS waiting,
             count(*) FILTER (WHERE attempts > 0) AS started,
             min(published) AS oldest,
             (SELECT count(*) FROM dead WHERE queue = ?1) AS dead
           FROM messages WHERE queue = ?1`,
          queue,
        ) ?? {};
        const { waiting, started, oldest, dead } = found;
        return {
          waiting: Number(waiting),
          started: Number(started),
          oldestMs: oldest === null ? 0 : Math.max(0, now() - Number(oldest)),
          dead: Number(dead),
        };
      }),

    deadLetters: ({ limit = 100 } = {}) =>
      Promise.resolve().then(() =>
        db.all(
          "SELECT * FROM dead WHERE queue = ? ORDER BY seq LIMIT ?",
          ...[queue, limit],
        ).map((row): DeadLetter => ({
          id: String(row.id),
          body: JSON.parse(String(row.body)),
          attempts: Number(row.attempts),
          error: String(row.error),
          diedMs: Number(row.died),
        }))
      ),

    revive: (id) =>
      db.write("revive", () => {
        const letter = bury(id);
        if (!letter) throw new NotFoundError("dead letter", id);
        insert(id, String(letter.body), now());
      }).finally(() => wakes.wake(topic)),

    bury: (id) =>
      db.write("bury", () => {
        bury(id);
      }),
  };

  function bury(id: string): Row | undefined {
    return db.first(
      "DELETE FROM dead WHERE queue = ? AND id = ? RETURNING body",
      ...[queue, id],
    );
  }
}

function attemptOf(row: Row): number {
  return Number(row.attempts);
}
