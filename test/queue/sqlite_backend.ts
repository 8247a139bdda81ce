/**
 * Two connections to a new SQLite file, and a clock to turn.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import type { BackendUnderTest } from "./under_test.ts";

/** Open a new file twice. */
export async function openTwice(): Promise<
  BackendUnderTest & { now(): number }
> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-queue-"));
  let time = Date.UTC(2026, 0, 1);
  const path = join(folder, "queue.db");
  const open = () => openSqlite({ path, now: () => time });
  return {
    backends: [open(), open()],
    now: () => time,
    advance(ms) {
      time += ms;
      return Promise.resolve();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
