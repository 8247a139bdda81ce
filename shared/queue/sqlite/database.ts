/**
 * One SQLite file, several processes: write-ahead log, durable commits.
 *
 * Writes that are asked for in the same turn of the event loop share one
 * transaction: the price of a durable commit is waiting for the disk, and so
 * it is paid once. What only costs a repetition when it is lost to a power
 * failure (a lease, an ack, an event) does not wait for the disk at all.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { isSegError, QueueError } from "../../errors.ts";

/** What SQLite stores and gives back. */
export type Row = Record<string, unknown>;
type Value = null | number | string;

/** A statement is prepared once. */
export interface Database {
  /** Read rows. */
  all(sql: string, ...values: Value[]): Row[];
  /** Read one row. */
  first(sql: string, ...values: Value[]): Row | undefined;
  /**
   * Write: `run` sees and changes the file alone, all of it or nothing is
   * kept. Survives a power failure when it returns.
   *
   * @param operation  names it in errors
   */
  write<T>(operation: string, run: () => T): Promise<T>;
  /** The same, but survives the end of the process only, until the next one. */
  writeSoon<T>(operation: string, run: () => T): Promise<T>;
  close(): void;
}

/** Layout of the file; another one is refused. */
const VERSION = 1;

/** How long to wait for another process's transaction, ms. */
const BUSY_MS = 10_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    published INTEGER NOT NULL,
    visible INTEGER NOT NULL,  -- leased, or given back with a delay, until
    attempts INTEGER NOT NULL DEFAULT 0,  -- names the lease: each has its own
    UNIQUE (queue, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_visible ON messages (queue, visible, seq);
  CREATE TABLE IF NOT EXISTS published (
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS published_until ON published (until);
  CREATE TABLE IF NOT EXISTS dead (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    died INTEGER NOT NULL,
    UNIQUE (queue, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS records (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS records_expires ON records (expires)
    WHERE expires IS NOT NULL;
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    id TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_key ON events (name, key, seq);
  CREATE INDEX IF NOT EXISTS events_expires ON events (expires);
  CREATE UNIQUE INDEX IF NOT EXISTS events_id ON events (name, key, id)
    WHERE id IS NOT NULL;
  -- revisions never repeat, so a record made anew is not taken for the old one
  CREATE TABLE IF NOT EXISTS counter (n INTEGER NOT NULL) STRICT;
  INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT * FROM counter);
`;

interface Write {
  readonly operation: string;
  readonly run: () => unknown;
  readonly isDurable: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (err: unknown) => void;
}

/** Open a file, and lay it out if it is new. */
export function openDatabase(path: string): Database {
  const sqlite = new DatabaseSync(path, { timeout: BUSY_MS });
  sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  layOut(sqlite, path);

  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string) => {
    const known = prepared.get(sql);
    if (known) return known;
    const fresh = sqlite.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  };

  let writes: Write[] = [];
  let isSynced = true;
  const enqueue = <T>(
    asked: Pick<Write, "operation" | "isDurable"> & { run: () => T },
  ) =>
    new Promise<T>((resolve, reject) => {
      if (writes.length === 0) setImmediate(flush);
      const settle = resolve as (value: unknown) => void;
      writes.push({ ...asked, resolve: settle, reject });
    });
  const db: Database = {
    all: (sql, ...values) =>
      surface("read", () => statement(sql).all(...values)),
    first: (sql, ...values) =>
      surface("read", () => statement(sql).get(...values)),
    write: (operation, run) => enqueue({ operation, run, isDurable: true }),
    writeSoon: (operation, run) =>
      enqueue({ operation, run, isDurable: false }),
    close() {
      flush();
      sqlite.close();
    },
  };
  return db;

  function flush(): void {
    const batch = writes;
    writes = [];
    if (batch.length === 0) return;
    try {
      const isDurable = batch.some((write) => write.isDurable);
      if (isDurable !== isSynced) {
        sqlite.exec(`PRAGMA synchronous = ${isDurable ? "FULL" : "NORMAL"}`);
        isSynced = isDurable;
      }
      sqlite.exec("BEGIN IMMEDIATE");
      const settle = batch.map(attempt);
      sqlite.exec("COMMIT");
      // told only when it is on the disk
      for (const tell of settle) tell();
    } catch (cause) {
      if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
      for (const { operation, reject } of batch) {
        reject(failure(operation, cause));
      }
    }
  }

  /** One write of a shared transaction; undone alone where it throws. */
  function attempt({ operation, run, resolve, reject }: Write): () => void {
    sqlite.exec("SAVEPOINT one");
    try {
      const value = run();
      sqlite.exec("RELEASE one");
      return () => resolve(value);
    } catch (cause) {
      sqlite.exec("ROLLBACK TO one; RELEASE one");
      return () => reject(failure(operation, cause));
    }
  }
}

function layOut(sqlite: DatabaseSync, path: string): void {
  sqlite.exec("BEGIN IMMEDIATE");
  const found = Number(
    sqlite.prepare("PRAGMA user_version").get()?.user_version,
  );
  if (found > VERSION) {
    sqlite.exec("ROLLBACK");
    sqlite.close();
    const detail =
      `${path} was made by a newer version; use that, or another folder`;
    throw new QueueError("open", { detail });
  }
  sqlite.exec(SCHEMA);
  sqlite.exec(`PRAGMA user_version = ${VERSION}; COMMIT`);
}

function surface<T>(operation: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw failure(operation, cause);
  }
}

function failure(operation: string, cause: unknown): unknown {
  if (isSegError(cause)) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new QueueError(operation, { detail, cause });
}
