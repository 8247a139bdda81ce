/**
 * Numbers of the edge for operators, in Prometheus' text form; those of jobs
 * are the worker's.
 *
 * @module
 */
import { Gauge, Histogram, Registry } from "prom-client";

/** What the edge counts. */
export interface Metrics {
  request(route: string, method: string, status: number, seconds: number): void;
  stage(name: string, seconds: number): void;
  depth(depth: { waiting: number; started: number; dead: number }): void;
  oldest(seconds: number): void;
  stuck(jobs: number): void;
}

const SECONDS = [0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 3, 10, 30, 60];

/** Start counting. */
export function createMetrics(registry = new Registry()) {
  const registers = [registry];
  const requests = new Histogram({
    name: "cytoedge_request_seconds",
    help: "Time to answer, by route",
    labelNames: ["route", "method", "status"],
    buckets: SECONDS,
    registers,
  });
  const stages = new Histogram({
    name: "cytoedge_stage_seconds",
    help: "Time of each stage of a preview",
    labelNames: ["stage"],
    buckets: SECONDS,
    registers,
  });
  const depth = new Gauge({
    name: "cytoedge_queue_messages",
    help: "Messages of the queue",
    labelNames: ["state"],
    registers,
  });
  const oldest = new Gauge({
    name: "cytoedge_queue_oldest_seconds",
    help: "Age of the oldest message",
    registers,
  });
  const stuck = new Gauge({
    name: "cytoedge_stuck_jobs",
    help: "Jobs that have not moved for long",
    registers,
  });
  const metrics: Metrics = {
    request: (route, method, status, seconds) =>
      requests.observe({ route, method, status: `${status}` }, seconds),
    stage: (stage, seconds) => stages.observe({ stage }, seconds),
    depth: (counts) => {
      for (const [state, count] of Object.entries(counts)) {
        depth.set({ state }, count);
      }
    },
    oldest: (seconds) => oldest.set(seconds),
    stuck: (jobs) => stuck.set(jobs),
  };
  return { metrics, registry };
}
