import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { describeBackend } from "./contract.ts";

describeBackend("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-queue-"));
  let time = Date.UTC(2026, 0, 1);
  const open = () =>
    openSqlite({ path: join(folder, "queue.db"), now: () => time });
  return {
    backends: [open(), open()],
    advance(ms) {
      time += ms;
      return Promise.resolve();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
});
