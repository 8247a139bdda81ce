import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openSqlite } from "../../shared/queue/sqlite.ts";

const SCRIPT = fileURLToPath(new URL("consume.ts", import.meta.url));
const JOBS = 150;

function startWorker(path: string, name: string) {
  const args = ["run", "-A", SCRIPT, path, name];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  let errors = "";
  child.stdout.on("data", (text) => printed += text);
  child.stderr.on("data", (text) => errors += text);
  return {
    child,
    ended: once(child, "close"),
    settled: () => printed.split("\n").filter(Boolean),
    errors: () => errors,
  };
}

test("openSqlite() serves several processes, one of them killed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-processes-"));
  const path = join(folder, "queue.db");
  const backend = openSqlite({ path });
  const queue = await backend.queue("jobs", {
    leaseMs: 1500,
    maxDeliveries: 9,
  });
  const records = await backend.records<string>("jobs");
  const ids = Array.from({ length: JOBS }, (_, i) => `job-${1000 + i}`);
  await Promise.all(ids.map(async (id) => {
    await records.create(["t", id], "queued");
    await queue.publish({ id, body: null });
  }));

  const workers = ["a", "b", "c"].map((name) => startWorker(path, name));
  const [victim, ...others] = workers;
  // killed as soon as it has done something
  while (victim.settled().length < 3 && victim.child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  victim.child.kill("SIGKILL");
  await Promise.all(workers.map(({ ended }) => ended));

  for (const { child, errors } of others) {
    expect([child.exitCode, errors()]).toEqual([0, ""]);
  }
  const told = workers.flatMap(({ settled }) => settled());
  expect(new Set(told).size).toBe(told.length);
  const states = await records.list(["t"], { limit: JOBS + 1 });
  expect(states.map(({ key }) => key[1])).toEqual(ids);
  expect(states.every(({ value }) => value.startsWith("settled by"))).toBe(
    true,
  );
  // the file stayed whole under the kill
  expect(await queue.depth()).toEqual({
    waiting: 0,
    started: 0,
    oldestMs: 0,
    dead: 0,
  });
  await backend.close();
  await rm(folder, { recursive: true });
}, 120_000);
