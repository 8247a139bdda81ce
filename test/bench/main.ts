/**
 * The benchmarks.
 *
 *   deno task bench core                      beside the peers, all sizes
 *   deno task bench core --quick              512² only; peers if installed
 *   deno task bench core --case DIR [--json]  the core alone on a case folder
 *   deno task bench train                     training steps beside PyTorch's
 *   deno task bench encode                    the network and all around it
 *   deno task bench encode --gpu              the network on a CUDA card
 *   deno task bench edge                      the service
 *   deno task bench edge --jobs 10000         many jobs, real servers
 *
 * Peers are installed in `.cache/bench` by the first run that needs them.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchCore } from "./core.ts";
import { benchEdge } from "./edge.ts";
import { describeManyJobs, isFlat, runManyJobs } from "./edge/many_jobs.ts";
import { benchEncode } from "./encode.ts";
import { timeOneCase } from "./one_case.ts";
import { DEFAULT_CACHE, installCellpose } from "./peers/install.ts";
import { SCENES } from "./scene.ts";
import { benchTrain, isSubject } from "./train/compare.ts";

const USAGE = `Usage: deno task bench core|edge|encode|train [options]
edge:
  --jobs N       small jobs through NATS, S3 and two workers, nothing else
  --model DIR    another model than the shipped one
  --rounds N     tens of calls of each kind; default 3
  --document     replace the tables of docs/benchmarks.md
encode:
  --gpu          the network on a CUDA card, unattended
core:
  --case DIR     time the core alone on DIR/{dP,cellprob,labels}.npy
  --json         print one JSON object on the standard output, nothing else
  --quick        512² only, three runs, peers only where already installed
  --cases A,B    of ${Object.keys(SCENES).join(" ")}; default all
  --document     replace the tables of docs/benchmarks.md
  --rounds N     runs of each stage and program, interleaved; default 3
train:
  --edges A,B    edges of the U-Net's images; default 128,256
  --only NAME    unet or vit; default both
  --rounds N     processes of each program, interleaved; default 3
  --document     replace the table of docs/benchmarks.md
  --json         print one JSON object on the standard output, nothing else`;

const print = (text: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
const note = (text: string) =>
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));

try {
  await main();
} catch (err) {
  note(`error: ${err instanceof Error ? err.message : err}`);
  Deno.exit(1);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      case: { type: "string" },
      cases: { type: "string" },
      edges: { type: "string", default: "128,256" },
      document: { type: "boolean", default: false },
      gpu: { type: "boolean", default: false },
      jobs: { type: "string" },
      json: { type: "boolean", default: false },
      model: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      rounds: { type: "string", default: "3" },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(USAGE);
  const python = Deno.env.get("CYTOEDGE_BENCH_PYTHON");
  const cache = Deno.env.get("CYTOEDGE_BENCH_CACHE");
  const options = {
    rounds,
    isQuick: values.quick,
    isDocumented: values.document,
    cache,
    python,
    note,
    print: values.json ? note : print,
  };
  if (positionals.join() === "edge" && values.jobs !== undefined) {
    const jobs = Number(values.jobs);
    if (!Number.isInteger(jobs) || jobs < 1) throw new Error(USAGE);
    const found = await runManyJobs(jobs, options);
    options.print(describeManyJobs(found));
    if (values.json) print(JSON.stringify(found));
    const isRight = found.lost === 0 && found.twice === 0 &&
      Object.values(found.memory).every(isFlat);
    Deno.exit(isRight ? 0 : 1);
  }
  if (positionals.join() === "edge") {
    const from = Deno.env.get("INIT_CWD") ?? Deno.cwd();
    const { model } = values;
    const result = await benchEdge({
      ...options,
      model: model === undefined ? undefined : resolve(from, model),
    });
    if (values.json && result) print(JSON.stringify(result));
    return;
  }
  if (positionals.join() === "encode") {
    const result = await benchEncode({ ...options, isGpu: values.gpu });
    if (values.json && result) print(JSON.stringify(result));
    return;
  }
  if (positionals.join() === "train") {
    const { only } = values;
    if (only !== undefined && !isSubject(only)) throw new Error(USAGE);
    if (only && values.document) {
      throw new Error("--document replaces the whole table; leave out --only");
    }
    const result = await benchTrain({
      python: await installCellpose({
        cache: cache ?? DEFAULT_CACHE,
        mayInstall: true,
        note,
      }, python),
      edges: values.edges.split(",").map(Number),
      ...only && { only },
      rounds,
      isDocumented: values.document,
      note,
      print: values.json ? note : print,
    });
    if (values.json) print(JSON.stringify(result));
    return;
  }
  if (positionals.join() !== "core") throw new Error(USAGE);
  if (values.case !== undefined) {
    // `deno task` runs in the project's folder, DIR is the caller's
    const from = Deno.env.get("INIT_CWD") ?? Deno.cwd();
    const times = await timeOneCase(resolve(from, values.case));
    print(JSON.stringify(times, null, values.json ? 0 : 2));
    return;
  }
  const names = values.cases?.split(",") ??
    (values.quick ? ["512"] : Object.keys(SCENES));
  const result = await benchCore({ ...options, names });
  if (values.json) print(JSON.stringify(result));
}
