/**
 * A service in a process of its own, and a key that may ask often.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { openKeyBook } from "../../../edge/access/keys.ts";
import { openSqlite } from "../../../shared/queue/sqlite.ts";
import { freePort } from "../../servers/process.ts";

/** How long it may take to answer, ms. */
const START_MS = 120_000;
const CLI = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

/** A service that runs. */
export interface Served {
  readonly url: string;
  readonly key: string;
  /** From the start of its process to its first answer, ms. */
  readonly startMs: number;
  /** Bytes that its process holds. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/** Start `cli serve` on a folder, with a key made before. */
export async function serveFolder(
  data: string,
  model: string,
): Promise<Served> {
  await mkdir(data, { recursive: true });
  const backend = openSqlite({ path: join(data, "queue.sqlite") });
  const keys = openKeyBook(await backend.records("keys"), Date.now);
  const { key } = await keys.create({
    tenant: "bench",
    name: "bench",
    scopes: ["segment"],
    requestsPerSecond: 1_000_000,
  });
  await backend.close();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const from = performance.now();
  const child = spawn(process.execPath, [
    ...["run", "-A", "--no-check", CLI, "serve", "--quiet"],
    ...["--port", `${port}`, "--data", data, "--model", model],
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr?.on("data", (text) => errors += text);
  for (;;) {
    const isUp = await fetch(`${url}/healthz`).then(
      (answer) => answer.text().then(() => answer.ok),
      () => false,
    );
    if (isUp) break;
    if (child.exitCode !== null || performance.now() - from > START_MS) {
      throw new Error(`the service does not start: ${errors}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    key,
    startMs: performance.now() - from,
    memory: () => residentBytes(child),
    async stop() {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

async function residentBytes({ pid }: ChildProcess): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? NaN);
}
