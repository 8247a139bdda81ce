/**
 * Processes that are started again whenever they end, as a cluster would.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ANSWER, ASK, type Memory } from "./memory.ts";

/** Pause before a process that ended is started again, ms. */
const PAUSE_MS = 200;
const READY_MS = 60_000;
const KEPT_CHARACTERS = 20_000;

/** What all processes are told; other faults after each kill. */
interface Seeded {
  readonly seed: number;
}

/** A process that is kept alive. */
export interface Supervised<Config extends Seeded = Seeded> {
  pid(): number;
  /** How often it was started. */
  starts(): number;
  /** End it at once; it comes back, changed if so asked. */
  kill(changes?: Partial<Config>): Promise<void>;
  /** Stop it where it is, until it is killed. */
  pause(): void;
  /** Wait until it says that it is ready. */
  ready(): Promise<void>;
  /** What it holds. */
  memory(): Promise<Memory>;
  /** The last that it wrote to its standard error. */
  errors(): string;
  /** End it for good: at once, or after its tasks. */
  stop(signal?: "SIGKILL" | "SIGTERM"): Promise<void>;
}

/** Start a script of this folder and keep it alive. */
export function supervise<Config extends Seeded>(
  script: string,
  config: Config,
): Supervised<Config> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  let [told, starts, errors, isStopped] = [config, 0, "", false];
  let child: ChildProcess;
  let isReady = Promise.resolve();
  let tell = (_: Memory) => {};

  function start() {
    starts++;
    const flags = ["-A", "--no-check", "--v8-flags=--expose-gc"];
    const args = ["run", ...flags, path, JSON.stringify(told)];
    child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = child;
    stderr?.on("data", (text) => {
      errors = (errors + text).slice(-KEPT_CHARACTERS);
    });
    isReady = new Promise((resolve) => {
      if (stdout === null) return;
      createInterface({ input: stdout }).on("line", (line) => {
        if (!line.startsWith(ANSWER)) return resolve();
        tell(JSON.parse(line.slice(ANSWER.length)));
      });
    });
    child.once("exit", () => {
      if (!isStopped) setTimeout(() => isStopped || start(), PAUSE_MS);
    });
  }

  // `child.kill` would take it for ended by the signal
  function send(signal: "SIGSTOP" | typeof ASK) {
    if (child.pid !== undefined) process.kill(child.pid, signal);
  }

  async function end(signal: "SIGKILL" | "SIGTERM") {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  start();
  return {
    pid: () => child.pid ?? 0,
    starts: () => starts,
    async kill(changes = {}) {
      told = { ...told, ...changes, seed: told.seed + 1 };
      await end("SIGKILL");
    },
    pause: () => {
      send("SIGSTOP");
    },
    async ready() {
      const deadline = performance.now() + READY_MS;
      const began = starts;
      const late = () => performance.now() > deadline;
      const tick = () => new Promise((resolve) => setTimeout(resolve, 50));
      let said = false;
      isReady.then(() => said = true);
      while (!said) {
        if (late()) throw new Error(`${script} is not ready: ${errors}`);
        await tick();
        // it may have ended and been started again meanwhile
        if (starts !== began) return await this.ready();
      }
    },
    memory() {
      const answer = new Promise<Memory>((resolve, reject) => {
        tell = resolve;
        setTimeout(() => reject(new Error(`${script} is silent`)), READY_MS)
          .unref();
      });
      send(ASK);
      return answer;
    },
    errors: () => errors,
    async stop(signal = "SIGKILL") {
      isStopped = true;
      await end(signal);
    },
  };
}
