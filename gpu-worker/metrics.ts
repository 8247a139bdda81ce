/**
 * Numbers of a worker for operators, in Prometheus' text form.
 *
 * @module
 */
import process from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What a worker counts. */
export interface WorkMetrics {
  /** Run a task; how long it took, and whether it failed, is counted. */
  task<T>(kind: string, run: () => Promise<T>): Promise<T>;
  /** @param stages  milliseconds of each */
  stages(stages: Readonly<Record<string, number>>): void;
  /** Whether an image's result was known. */
  cache(isHit: boolean): void;
  encoder(seconds: number): void;
}

/** From a small image to a long training. */
const TASK_SECONDS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 14400];
const STAGE_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

/**
 * Start counting.
 *
 * @param registry  that of the edge, where both are one process
 */
export function createWorkMetrics(registry = new Registry()) {
  const registers = [registry];
  const tasks = new Histogram({
    name: "cytoedge_task_seconds",
    help: "Time of tasks, by kind and by how they ended",
    labelNames: ["kind", "outcome"],
    buckets: TASK_SECONDS,
    registers,
  });
  const running = new Gauge({
    name: "cytoedge_tasks_running",
    help: "Tasks that run",
    labelNames: ["kind"],
    registers,
  });
  const stages = new Histogram({
    name: "cytoedge_job_stage_seconds",
    help: "Time of each stage of an image of a job",
    labelNames: ["stage"],
    buckets: STAGE_SECONDS,
    registers,
  });
  const cache = new Counter({
    name: "cytoedge_result_cache_total",
    help: "Images whose result was known (hit) or not (miss)",
    labelNames: ["outcome"],
    registers,
  });
  const encoder = new Counter({
    name: "cytoedge_encoder_seconds_total",
    help: "Seconds of the encoder",
    registers,
  });
  new Gauge({
    name: "cytoedge_worker_resident_bytes",
    help: "Memory of the worker's process",
    registers,
    collect() {
      this.set(process.memoryUsage().rss);
    },
  });
  const metrics: WorkMetrics = {
    async task(kind, run) {
      const start = performance.now();
      let outcome = "failed";
      running.inc({ kind });
      try {
        const value = await run();
        outcome = "done";
        return value;
      } finally {
        running.dec({ kind });
        const seconds = (performance.now() - start) / 1000;
        tasks.observe({ kind, outcome }, seconds);
      }
    },
    stages(each) {
      for (const [stage, ms] of Object.entries(each)) {
        stages.observe({ stage }, ms / 1000);
      }
    },
    cache: (isHit) => cache.inc({ outcome: isHit ? "hit" : "miss" }),
    encoder: (seconds) => encoder.inc(seconds),
  };
  return { metrics, registry };
}

/** Answers `GET /metrics`, and nothing else. */
export function serveMetrics(
  registry: Registry,
): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    if (new URL(url).pathname !== "/metrics") {
      return new Response("not found\n", { status: 404 });
    }
    if (method !== "GET" && method !== "HEAD") {
      const headers = { allow: "GET, HEAD" };
      return new Response("not allowed\n", { status: 405, headers });
    }
    const text = method === "HEAD" ? null : await registry.metrics();
    const headers = { "content-type": registry.contentType };
    return new Response(text, { headers });
  };
}
