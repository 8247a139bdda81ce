/**
 * Kill a training at random moments, resume it, and compare its files with
 * those of one that was never killed.
 *
 *   deno run -A test/train/kill_runs.ts [KILLS]
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createRandom } from "../../shared/synthetic/mod.ts";
import { makeFolder, writeScene } from "./folders.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = join(ROOT, "cli", "main.ts");
/** Files that must be the same. */
const RESULTS = ["model.onnx", "model.json", "best.safetensors"];

/** What was compared. */
export interface KillReport {
  /** Kills that hit a running training. */
  readonly kills: number;
  /** Files that differ; none is right. */
  readonly different: readonly string[];
}

/**
 * Train twice, once with kills.
 *
 * @param kills  at moments after a random number of further steps
 * @param steps  of the training
 */
export async function compareKilled(
  kills: number,
  { steps, seed = 1 }: { steps: number; seed?: number },
): Promise<KillReport> {
  const root = makeFolder();
  try {
    const images = join(root.path, "images");
    for (let i = 0; i < 4; i++) writeScene(join(images, `scene${i}`), 10 + i);
    const begin = (out: string) => [
      ...["train", "--images", images, "--out", join(root.path, out)],
      ...["--network", "residual-unet", "--steps", String(steps)],
      ...["--batch", "1", "--crop", "64", "--threads", "1"],
      ...["--val-share", "0.3", "--validate-every", "8"],
      ...["--checkpoint-every", "4", "--rendered", "0.2"],
    ];
    const whole = spawnSync(process.execPath, command(begin("whole")), {
      encoding: "utf8",
    });
    if (whole.status !== 0) throw new Error(whole.stderr);

    const random = createRandom(seed);
    const out = join(root.path, "killed");
    let done = 0;
    for (;;) {
      const args = existsSync(join(out, "train.json"))
        ? ["train", "--out", out, "--resume", "--threads", "1"]
        : begin("killed");
      const more = done < kills
        ? { lines: 1 + random.below(6), delay: random.below(120) }
        : undefined;
      if (!await runOnce(args, out, more)) break;
      done++;
    }
    const read = (folder: string, name: string) =>
      readFileSync(join(root.path, folder, name));
    const different = RESULTS.filter((name) =>
      !read("whole", name).equals(read("killed", name))
    );
    return { kills: done, different };
  } finally {
    root.remove();
  }
}

/** Run until the end or until it is killed; true if it was. */
function runOnce(
  args: readonly string[],
  out: string,
  kill?: { lines: number; delay: number },
): Promise<boolean> {
  const child = spawn(process.execPath, command(args), { stdio: "pipe" });
  let errors = "";
  child.stderr.on("data", (text) => errors += text);
  child.stdout.resume();
  const log = join(out, "log.jsonl");
  const sizeNow = () => statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  // lines of steps have about 80 bytes
  let start: number | undefined;
  const timer = setInterval(() => {
    if (kill === undefined) return;
    // resuming rewinds the log first
    start = Math.min(start ?? Infinity, sizeNow());
    if (sizeNow() - start < kill.lines * 80) return;
    clearInterval(timer);
    setTimeout(() => child.kill("SIGKILL"), kill.delay);
  }, 5);
  return new Promise((resolve, reject) => {
    child.on("close", (code, signal) => {
      clearInterval(timer);
      if (signal === "SIGKILL") resolve(true);
      else if (code === 0) resolve(false);
      else reject(new Error(errors));
    });
  });
}

function command(args: readonly string[]): string[] {
  return ["run", "-A", MAIN, ...args];
}

if (import.meta.main) {
  const kills = Number(process.argv[2] ?? 20);
  const report = await compareKilled(kills, { steps: kills * 8 });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (report.different.length > 0 || report.kills < kills) process.exitCode = 1;
}
