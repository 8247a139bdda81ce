/**
 * Jobs through real servers while things go wrong.
 *
 *   deno task chaos [--faults 60] [--seed 1] [--verbose]
 *
 * Every accepted job must end exactly once: succeeded with the bytes of an
 * undisturbed run, failed with a cause, or cancelled.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { createRandom } from "../../shared/synthetic/random.ts";
import { NATS_SERVER, S3_SERVER } from "../servers/programs.ts";
import { runDiskFull } from "./disk_full.ts";
import { inject, planFaults } from "./faults.ts";
import { runFolderKilled } from "./folder_killed.ts";
import { makeImages } from "./images.ts";
import { judge } from "./judge.ts";
import { createLoad } from "./load.ts";
import { openStage, TENANT } from "./stage.ts";

/** Callers that send one job after the other. */
const CALLERS = 3;
/** Between two faults, ms. */
const MIN_PAUSE_MS = 300;
const MAX_PAUSE_MS = 1_500;

const { values } = parseArgs({
  options: {
    faults: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
  },
});
const print = (text: string) => process.stdout.write(`${text}\n`);

if (NATS_SERVER === undefined || S3_SERVER === undefined) {
  print(
    "nats-server or versitygw is missing: test/servers/programs.ts says how to install them",
  );
  process.exit(1);
}
process.exit(await run(Number(values.faults), Number(values.seed)) ? 0 : 1);

async function run(count: number, seed: number): Promise<boolean> {
  const started = performance.now();
  const random = createRandom(seed);
  const known = await makeImages();
  const full = await runDiskFull(known);
  const killed = await runFolderKilled(known, random);
  const stage = await openStage({
    ...{ seed, workers: 2, concurrency: 2, tileMs: 60, queueFaults: 0.01 },
  });
  try {
    const load = createLoad(stage.client, known, random);
    const sending: Promise<unknown>[] = [];
    const failures: unknown[] = [];
    let isOver = false;
    const callers = Array.from({ length: CALLERS }, async () => {
      while (!isOver) {
        await load.send("plain");
        await pause(random.uniform() * MAX_PAUSE_MS);
      }
    });
    const plan = planFaults(count, random);
    for (const [i, kind] of plan.entries()) {
      await pause(
        MIN_PAUSE_MS + random.uniform() * (MAX_PAUSE_MS - MIN_PAUSE_MS),
      );
      if (values.verbose) {
        print(
          `${((performance.now() - started) / 1000).toFixed(1)} s, ${
            i + 1
          }: ${kind}`,
        );
      }
      await inject(
        {
          ...{ ...stage, load, queue: stage.book.queue, tenant: TENANT },
          sending: {
            push: (job) => sending.push(job.catch((err) => failures.push(err))),
          },
        },
        kind,
        random,
      );
    }
    isOver = true;
    stage.proxy.calm();
    await Promise.all([...callers, ...sending]);
    const verdict = await judge({ ...stage, tenant: TENANT }, load.sent);
    const wrong = [
      ...verdict.faults,
      ...full.faults,
      ...killed.faults,
      ...failures.map((err) => `a caller gave up: ${err}`),
    ];
    const counted = new Map<string, number>();
    const apart = [
      ...Array<string>(full.count).fill("disk full"),
      ...Array<string>(killed.count).fill("folder store killed in an upload"),
    ];
    for (const kind of [...plan, ...apart]) {
      counted.set(kind, (counted.get(kind) ?? 0) + 1);
    }
    for (const [kind, times] of counted) {
      print(`${`${times}`.padStart(4)} ${kind}`);
    }
    print(
      `jobs: ${verdict.succeeded} succeeded, ${verdict.failed} failed, ${verdict.cancelled} cancelled; ` +
        `${verdict.files} files equal those of an undisturbed run; ${verdict.givenUp} good images given up; ` +
        `workers started ${
          stage.workers.map((each) => each.starts()).join("+")
        } times, the edge ${stage.edge.starts()}; ` +
        `${stage.proxy.hits()} requests to the store disturbed`,
    );
    for (const each of wrong) print(`WRONG: ${each}`);
    if (wrong.length > 0 && values.verbose) {
      for (const each of [stage.edge, ...stage.workers]) {
        print(`--\n${each.errors().slice(-6000)}`);
      }
    }
    print(
      `seed ${seed}, ${((performance.now() - started) / 1000).toFixed(0)} s: ` +
        `${plan.length + apart.length} faults, ${
          load.sent.length + full.jobs + killed.jobs
        } jobs, ` +
        `${verdict.lost} lost, ${verdict.twice} twice, ${wrong.length} wrong`,
    );
    return wrong.length === 0;
  } finally {
    await stage.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
