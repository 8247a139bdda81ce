/**
 * Training steps of a small U-Net and of a small ViT beside PyTorch's.
 *
 * Both train the same network from the same weights on the same batches, in
 * processes of their own that take turns; their losses must agree before a time
 * is told. A time is the least of all steps but the first.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findCommit } from "../commit.ts";
import { documentTables } from "../document.ts";
import type { StepComparison, StepTimes, TrainResult } from "./result.ts";
import { formatTrain } from "./table.ts";

const call = promisify(execFile);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Adam's first steps have the size of the rate whatever the gradient's. */
const LOSS_TOLERANCE = 1e-3;

/** Sizes of the ViT, of the class of Cellpose-SAM; 256 tokens an image. */
const VIT = { dim: 192, depth: 6, heads: 6, neck: 64, patch: 8, tile: 128 };
const VIT_BATCH = 4;

/** What both programs print. */
interface Run {
  readonly losses: readonly number[];
  /** Milliseconds of each step. */
  readonly wall: readonly number[];
  /** Milliseconds of processor time, all threads together. */
  readonly cpu: readonly number[];
  /** The most the process held, MB. */
  readonly memory: number;
}

/** A network, and how either program is called but for steps and threads. */
interface Subject {
  readonly network: string;
  readonly ours: readonly string[];
  readonly torch: readonly string[];
}

const SUBJECTS = ["unet", "vit"] as const;

/** Whether one can be asked for by this name. */
export function isSubject(name: string): name is typeof SUBJECTS[number] {
  return SUBJECTS.some((one) => one === name);
}

/** How to compare. */
export interface CompareOptions {
  /** A Python with Cellpose. */
  readonly python: string;
  /** Of the U-Net's images. */
  readonly edges: readonly number[];
  readonly rounds: number;
  /** Default both. */
  readonly only?: typeof SUBJECTS[number];
  /** Steps of one process, the first not counted; default 5. */
  readonly steps?: number;
  readonly threads?: number;
  readonly isDocumented: boolean;
  readonly note: (text: string) => void;
  readonly print: (text: string) => void;
}

/**
 * Compare the U-Net at each edge, then the ViT.
 *
 * @throws {Error} if the losses differ
 */
export async function benchTrain({
  python,
  edges,
  rounds,
  only,
  steps = 5,
  threads = 2,
  ...options
}: CompareOptions): Promise<TrainResult> {
  const load = loadavg()[0];
  const work = await mkdtemp(join(tmpdir(), "cytoedge-train-"));
  const rows: StepComparison[] = [];
  try {
    const subjects = [
      ...only === "vit" ? [] : edges.map(unet),
      ...only === "unet" ? [] : [await writeVit(python, work)],
    ];
    for (const subject of subjects) {
      options.note(`steps of ${subject.network}`);
      const last = [steps, threads].map(String);
      const ours: Run[] = [];
      const torch: Run[] = [];
      for (let round = 0; round < rounds; round++) {
        const turns = [
          async () => ours.push(await read("deno", [...subject.ours, ...last])),
          async () =>
            torch.push(await read(python, [...subject.torch, ...last])),
        ];
        // who comes first changes, as a machine warms up
        for (const turn of round % 2 ? turns.reverse() : turns) await turn();
      }
      assertSameLosses(ours[0], torch[0]);
      const { network } = subject;
      rows.push({ network, ours: best(ours), torch: best(torch) });
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const result = {
    date: new Date().toISOString().slice(0, 10),
    machine: cpus()[0]?.model ?? `unknown, ${availableParallelism()} threads`,
    commit: await findCommit(here("../../../")),
    threads,
    load,
    steps: rows,
  };
  const table = formatTrain(result);
  options.print(table);
  if (options.isDocumented) {
    const page = new URL("../../../docs/benchmarks.md", import.meta.url);
    await documentTables(page, table, "train");
  }
  return result;
}

function unet(edge: number): Subject {
  return {
    network: `residual U-Net, 4×3×${edge}×${edge}`,
    ours: ["run", "-A", here("run_ours.ts"), String(edge)],
    torch: [here("run_torch.py"), String(edge)],
  };
}

/** Weights and a batch, written by Cellpose's own classes. */
async function writeVit(python: string, work: string): Promise<Subject> {
  const sizes = Object.entries({ ...VIT, batch: VIT_BATCH, steps: 1 })
    .flatMap(([name, value]) => [`--${name}`, String(value)]);
  await call(python, [here("write_case.py"), work, ...sizes]);
  const { dim, depth, tile } = VIT;
  return {
    network: `ViT of ${depth} blocks of ${dim}, ${VIT_BATCH}×3×${tile}×${tile}`,
    ours: ["run", "-A", here("run_vit.ts"), work],
    torch: [here("run_vit_torch.py"), work],
  };
}

async function read(command: string, args: string[]): Promise<Run> {
  const { stdout } = await call(command, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout) as Run;
}

function assertSameLosses(ours: Run, torch: Run): void {
  ours.losses.slice(0, 3).forEach((loss, i) => {
    if (!(Math.abs(loss / torch.losses[i] - 1) <= LOSS_TOLERANCE)) {
      throw new Error(
        `the loss before step ${i + 1} is ${loss}, PyTorch's ${
          torch.losses[i]
        }`,
      );
    }
  });
}

function best(runs: readonly Run[]): StepTimes {
  const least = (read: (run: Run) => readonly number[]) =>
    Math.min(...runs.flatMap((run) => read(run).slice(1)));
  return {
    wallMs: least(({ wall }) => wall),
    cpuMs: least(({ cpu }) => cpu),
    memoryMb: Math.min(...runs.map(({ memory }) => memory)),
  };
}
