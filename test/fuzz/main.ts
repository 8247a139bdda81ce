/**
 * Damaged files through previews, scores and jobs of a service in this
 * process: no answer of 5xx, none late, every job ended, no memory kept.
 *
 *   deno task fuzz [--runs 2000] [--seed 1]
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { AS_LABELS, drawLabels, startTestService } from "../edge/service.ts";
import { readCorpus } from "./corpus.ts";
import { createIdentity } from "../pipeline/fake_encoder.ts";
import { damage, damages } from "./mutate.ts";

/** An answer may take so long, ms: the machine may be busy. */
const LATE_MS = 20_000;
/** Runs before memory is looked at: caches and the core have grown by then. */
const WARM = 0.3;
const MAX_GROWTH = 256 * 2 ** 20;
/** Of ten runs, how many are jobs and scores; the others are previews. */
const [JOBS, SCORES] = [1, 4];

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
  },
});
const print = (text: string) => process.stdout.write(`${text}\n`);

// the image is its own network output: any flows, at no cost
const encoder = createIdentity();
const service = await startTestService({
  encoder,
  settings: { maxPreviewPixels: 2 ** 20 },
});
const files = await readCorpus(service);
const truth = drawLabels().png;
const plans = fc.sample(
  fc.record({
    file: fc.nat(files.length - 1),
    plan: damages,
    kind: fc.nat(9),
    masks: fc.constantFrom("png", "rle", "none"),
  }),
  { numRuns: Number(values.runs), seed: Number(values.seed) },
);

const wrong: string[] = [];
const statuses = new Map<string, number>();
let [warm, slowest] = [0, 0];
const started = performance.now();
for (const [i, { file, plan, kind, masks }] of plans.entries()) {
  const bytes = damage(files[file][1], plan);
  const from = performance.now();
  const name = kind < JOBS ? "job" : kind < SCORES ? "score" : "preview";
  try {
    const status = name === "job"
      ? await runJob(bytes)
      : name === "score"
      ? await runScore(bytes)
      : await runPreview(bytes, masks);
    const key = `${name} ${status}`;
    statuses.set(key, (statuses.get(key) ?? 0) + 1);
    if (typeof status === "number" && status >= 500) {
      wrong.push(`run ${i}: ${key} of ${files[file][0]}`);
    }
  } catch (err) {
    wrong.push(
      `run ${i}: ${name} of ${files[file][0]}: ${
        err instanceof Error ? err.stack : err
      }`,
    );
  }
  // it remembers what it was given
  encoder.tiles.length = 0;
  encoder.batches.length = 0;
  const ms = performance.now() - from;
  slowest = Math.max(slowest, ms);
  if (ms > LATE_MS) wrong.push(`run ${i}: ${name} took ${Math.round(ms)} ms`);
  if (i === Math.floor(plans.length * WARM)) warm = memory();
}
const growth = memory() - warm;
if (growth > MAX_GROWTH) wrong.push(`${growth} bytes are kept`);
const { waiting, started: left } = await service.deps.jobs.queue.depth();
if (waiting + left > 1) wrong.push(`${waiting + left} messages are left`);
await service.close();

print(
  [...statuses].sort().map(([key, count]) => `${count} ${key}`).join(", "),
);
for (const each of wrong) print(`WRONG: ${each}`);
print(
  `seed ${values.seed}: ${plans.length} damaged files of ${files.length}, ` +
    `${((performance.now() - started) / 1000).toFixed(0)} s, ` +
    `slowest ${Math.round(slowest)} ms, ` +
    `${
      (growth / 2 ** 20).toFixed(0)
    } MiB more at the end, ${wrong.length} wrong`,
);
process.exit(wrong.length === 0 ? 0 : 1);

async function runPreview(
  bytes: Uint8Array<ArrayBuffer>,
  masks: string,
): Promise<number> {
  const form = new FormData();
  form.append("image", new File([bytes], "image"));
  form.append("options", JSON.stringify({ masks, maxEdge: 256 }));
  return (await service.call("POST", "/v1/previews", { form })).status;
}

async function runScore(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const form = new FormData();
  form.append("truth", new File([bytes], "truth"));
  form.append("prediction", new File([new Uint8Array(truth)], "prediction"));
  return (await service.call("POST", "/v1/scores", { form })).status;
}

async function runJob(bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0) return "empty";
  const upload = await service.upload("image.tif", bytes);
  const { status, body } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], parameters: AS_LABELS },
  });
  if (status !== 202) return `${status}`;
  const { state, error } = await service.finish(body.id);
  if (state !== "succeeded" && (state !== "failed" || !error)) {
    throw new Error(`the job ended as ${state}, ${error}`);
  }
  return state;
}

function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss;
}
