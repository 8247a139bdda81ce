/** The entry files as processes: edge and worker apart, and how they end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importSmallModel } from "../pipeline/small_model.ts";
import { startNats } from "../servers/nats.ts";
import { NATS_SERVER, S3_SERVER } from "../servers/programs.ts";
import { startS3 } from "../servers/s3.ts";

const PATIENT = 180_000;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const data = mkdtempSync(join(tmpdir(), "processes-"));
const TOKEN = "p".repeat(40);
const image = readFileSync(join(ROOT, "examples", "nuclei_2d.tif"));

interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly port: number;
  /** Wait for a line of the log. */
  until(pattern: RegExp): Promise<void>;
  /** Send SIGTERM and wait; whether it ended by itself. */
  stop(): Promise<boolean>;
}

/** What edge and worker share, as their environment says it. */
const HOMES = [
  {
    name: "SQLite and a folder",
    isHere: true,
    open: () =>
      Promise.resolve({
        env: { CYTOEDGE_DATA: data } as Record<string, string>,
        remove: () => Promise.resolve(),
      }),
  },
  {
    name: "NATS and S3",
    isHere: NATS_SERVER !== undefined && S3_SERVER !== undefined,
    async open() {
      const nats = await startNats();
      const s3 = await startS3();
      const { bucket, endpoint = "", credentials } = s3.options;
      return {
        env: {
          CYTOEDGE_NATS: nats.url,
          CYTOEDGE_S3_BUCKET: bucket,
          CYTOEDGE_S3_ENDPOINT: endpoint,
          CYTOEDGE_S3_ACCESS_KEY: credentials.accessKeyId,
          CYTOEDGE_S3_SECRET_KEY: credentials.secretAccessKey,
        } as Record<string, string>,
        async remove() {
          await nats.remove();
          await s3.remove();
        },
      };
    },
  },
];

const model = importSmallModel();
afterAll(() => {
  model.remove();
  rmSync(data, { recursive: true, force: true });
});
/** Of the home that is tested. */
let home: Record<string, string> = {};
let edge: Running;
let worker: Running;
let key = "";

function environment(more: Readonly<Record<string, string>> = {}) {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      !name.startsWith("CYTOEDGE_")
    ),
  );
  return { ...own, ...home, ...more };
}

async function start(
  entry: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawn(process.execPath, ["run", "-A", join(ROOT, entry)], {
    env: environment({
      CYTOEDGE_HOST: "127.0.0.1",
      CYTOEDGE_PORT: "0",
      CYTOEDGE_MODEL: model.folder,
      CYTOEDGE_PUSH_TOKEN: TOKEN,
      CYTOEDGE_WORK_FOLDER: join(data, "worker"),
      CYTOEDGE_THREADS: "1",
      ...more,
    }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const errors: string[] = [];
  child.stdout.on("data", (bytes) => lines.push(...`${bytes}`.split("\n")));
  child.stderr.on("data", (bytes) => errors.push(`${bytes}`));
  const over = new Promise((resolve) => child.once("exit", resolve));
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const until = async (pattern: RegExp) => {
    for (let i = 0; i < 1200; i++) {
      if (lines.some((line) => pattern.test(line))) return;
      if (isOver()) throw new Error(errors.join(""));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no ${pattern} in ${lines.join("\n")} ${errors.join("")}`);
  };
  await until(/"listening"/);
  const line = lines.find((each) => each.includes('"listening"')) ?? "{}";
  return {
    child,
    lines,
    port: JSON.parse(line).port,
    until,
    async stop() {
      if (!isOver()) child.kill("SIGTERM");
      await over;
      // the exit code would tell of the signal that was sent, not of the end
      return lines.some((line) => line.includes('"ended"'));
    },
  };
}

async function call(method: string, path: string, json?: unknown) {
  const answer = await fetch(`http://127.0.0.1:${edge.port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return /json/.test(answer.headers.get("content-type") ?? "")
    ? JSON.parse(text)
    : text;
}

async function begin() {
  const sha256 = createHash("sha256").update(image).digest("hex");
  const { id, put } = await call("POST", "/v1/uploads", {
    name: "nuclei_2d.tif",
    bytes: image.length,
    sha256,
  });
  const sent = await fetch(put.url, {
    method: "PUT",
    headers: put.headers,
    body: new Uint8Array(image),
  });
  expect(sent.status).toBeLessThan(300);
  return await call("POST", "/v1/jobs", { images: [{ upload: id }] });
}

for (const { name, isHere, open } of HOMES) {
  describe.skipIf(!isHere)(`on ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    beforeAll(async () => {
      opened = await open();
      home = opened.env;
      edge = await start("edge/main.ts");
      worker = await start("gpu-worker/main.ts");
      const made = spawnSync(process.execPath, [
        ...["run", "-A", join(ROOT, "cli/main.ts"), "keys", "create"],
        ...["--tenant", "lab", "--data", data],
      ], { encoding: "utf8", env: environment() });
      key = made.stdout.trim();
      expect(key, made.stderr).toMatch(/^ce_[\w-]{32,}$/);
    }, PATIENT);
    afterAll(async () => {
      await Promise.all([edge?.stop(), worker?.stop()]);
      await opened?.remove();
    }, PATIENT);

    test(
      "edge and worker share queue and store; a drained worker ends its image first",
      async () => {
        await worker.until(/"warm"/);
        const ready = await fetch(`http://127.0.0.1:${worker.port}/readyz`);
        expect(ready.status).toBe(200);
        await ready.text();
        const job = await begin();
        // stopped in the middle
        for (;;) {
          const { state } = await call("GET", `/v1/jobs/${job.id}`);
          if (state !== "queued") break;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        expect(await worker.stop()).toBe(true);
        const ended = await call("GET", `/v1/jobs/${job.id}`);
        expect(ended).toMatchObject({ state: "succeeded", error: null });
      },
      PATIENT,
    );

    test("an image can be pushed to a worker that pulls none", async () => {
      const job = await begin();
      const pushed = await start("gpu-worker/main.ts", {
        CYTOEDGE_WORK: "imports",
        CYTOEDGE_METRICS_PORT: "0",
      });
      try {
        const answer = await fetch(`http://127.0.0.1:${pushed.port}/tasks`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify({ tenant: "lab", job: job.id, index: 0 }),
        });
        expect(await answer.json()).toEqual({ state: "done" });
        const { state } = await call("GET", `/v1/jobs/${job.id}`);
        expect(state).toBe("succeeded");
        // its numbers are told on the loopback
        const line = pushed.lines.find((each) => each.includes('"metrics"'));
        const { hostname, port } = JSON.parse(line ?? "{}");
        expect(hostname).toBe("127.0.0.1");
        const numbers = await fetch(`http://127.0.0.1:${port}/metrics`);
        expect(await numbers.text()).toContain(
          'cytoedge_task_seconds_count{kind="image",outcome="done"} 1',
        );
      } finally {
        expect(await pushed.stop()).toBe(true);
      }
    }, PATIENT);

    test("the edge ends by itself on SIGTERM", async () => {
      expect((await call("GET", "/healthz")).status).toBe("ok");
      // its page may send to where signed URLs lead, and nowhere else
      const page = await fetch(`http://127.0.0.1:${edge.port}/`);
      await page.body?.cancel();
      const endpoint = home.CYTOEDGE_S3_ENDPOINT;
      expect(page.headers.get("content-security-policy")).toContain(
        `connect-src 'self'${endpoint ? ` ${new URL(endpoint).origin}` : ""};`,
      );
      expect(await edge.stop()).toBe(true);
      await expect(call("GET", "/healthz")).rejects.toThrow();
    }, PATIENT);
  });
}
