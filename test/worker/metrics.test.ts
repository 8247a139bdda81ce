import { expect, test } from "vitest";
import { createWorkMetrics, serveMetrics } from "../../gpu-worker/metrics.ts";
import { createMetrics } from "../../edge/metrics.ts";

test("createWorkMetrics() counts tasks by kind and end, stages, known results", async () => {
  const { metrics, registry } = createWorkMetrics();
  await metrics.task("image", async () => {
    const text = await registry.metrics();
    expect(text).toContain('cytoedge_tasks_running{kind="image"} 1');
  });
  const failing = metrics.task("image", () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  metrics.stages({ decode: 2, encode: 1500 });
  metrics.cache(true);
  metrics.cache(false);
  metrics.encoder(1.5);
  const text = await registry.metrics();
  for (
    const line of [
      'cytoedge_task_seconds_count{kind="image",outcome="done"} 1',
      'cytoedge_task_seconds_count{kind="image",outcome="failed"} 1',
      'cytoedge_tasks_running{kind="image"} 0',
      'cytoedge_job_stage_seconds_sum{stage="encode"} 1.5',
      'cytoedge_result_cache_total{outcome="hit"} 1',
      'cytoedge_result_cache_total{outcome="miss"} 1',
      "cytoedge_encoder_seconds_total 1.5",
    ]
  ) expect(text.split("\n")).toContain(line);
  expect(text).toMatch(/^cytoedge_worker_resident_bytes [1-9]\d+/m);
});

test("createWorkMetrics() and the edge's share a registry in one process", async () => {
  const { registry } = createMetrics();
  createWorkMetrics(registry).metrics.cache(true);
  const text = await registry.metrics();
  expect(text).toContain("cytoedge_request_seconds");
  expect(text).toContain('cytoedge_result_cache_total{outcome="hit"} 1');
});

test("serveMetrics() answers one path, for reading", async () => {
  const serve = serveMetrics(createWorkMetrics().registry);
  const ask = (path: string, method = "GET") =>
    serve(new Request(`http://worker${path}`, { method }));
  const answer = await ask("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await answer.text()).toContain("# HELP cytoedge_task_seconds");
  expect((await ask("/metrics", "POST")).status).toBe(405);
  expect((await ask("/")).status).toBe(404);
});
