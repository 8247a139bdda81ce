/**
 * Training steps of the small U-Net beside PyTorch's.
 *
 * Both train the same network from the same weights on the same batches, four
 * images a step, in processes of their own that take turns; their losses must
 * agree before a time is told. A time is the least of all steps but the first.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const call = promisify(execFile);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Adam's first steps have the size of the rate whatever the gradient's. */
const LOSS_TOLERANCE = 1e-3;

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

/** One program's best. */
export interface StepTimes {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
}

/** Both programs at one size. */
export interface TrainComparison {
  readonly edge: number;
  readonly threads: number;
  readonly ours: StepTimes;
  readonly torch: StepTimes;
}

/** How to compare. */
export interface CompareOptions {
  /** A Python with PyTorch. */
  readonly python: string;
  readonly edges: readonly number[];
  readonly rounds: number;
  /** Steps of one process, the first not counted; default 5. */
  readonly steps?: number;
  readonly threads?: number;
  readonly print: (text: string) => void;
}

/**
 * Compare at each edge.
 *
 * @throws {Error} if the losses differ
 */
export async function benchTrain(
  { python, edges, rounds, steps = 5, threads = 2, print }: CompareOptions,
): Promise<TrainComparison[]> {
  const results: TrainComparison[] = [];
  for (const edge of edges) {
    const args = [edge, steps, threads].map(String);
    const ours: Run[] = [];
    const torch: Run[] = [];
    for (let round = 0; round < rounds; round++) {
      const turns = [
        async () =>
          ours.push(
            await read("deno", ["run", "-A", here("run_ours.ts"), ...args]),
          ),
        async () =>
          torch.push(await read(python, [here("run_torch.py"), ...args])),
      ];
      // who comes first changes, as a machine warms up
      for (const turn of round % 2 ? turns.reverse() : turns) await turn();
    }
    assertSameLosses(ours[0], torch[0]);
    const result = { edge, threads, ours: best(ours), torch: best(torch) };
    results.push(result);
    print(spell(result));
  }
  return results;
}

async function read(command: string, args: string[]): Promise<Run> {
  const { stdout } = await call(command, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout) as Run;
}

function assertSameLosses(ours: Run, torch: Run): void {
  ours.losses.slice(0, 3).forEach((loss, i) => {
    if (Math.abs(loss / torch.losses[i] - 1) > LOSS_TOLERANCE) {
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

function spell({ edge, threads, ours, torch }: TrainComparison): string {
  const row = (label: string, key: keyof StepTimes) =>
    `  ${label.padEnd(16)}${ours[key].toFixed(0).padStart(8)}${
      torch[key].toFixed(0).padStart(10)
    }${(ours[key] / torch[key]).toFixed(2).padStart(8)}`;
  return [
    `4×3×${edge}×${edge}, ${threads} threads    ours   PyTorch   ratio`,
    row("time, ms", "wallMs"),
    row("processor, ms", "cpuMs"),
    row("memory, MB", "memoryMb"),
  ].join("\n");
}
