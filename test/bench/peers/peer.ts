/**
 * A peer: a program in a process of its own that runs stages when told.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Stage } from "../ours.ts";

/** One peer on one case. */
export interface Peer {
  readonly name: string;
  /** Versions of the program and of what it computes with. */
  readonly versions: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
  /** Milliseconds of the stage's own call. */
  run(stage: Stage): Promise<number>;
  /** Write the stage's last result. */
  save(stage: Stage, path: string): Promise<void>;
  /** End the process; returns the most memory it held, in bytes. */
  close(): Promise<number>;
}

interface Answer {
  readonly ms?: number;
  readonly peakBytes: number;
  readonly [version: string]: unknown;
}

/** Start a peer; it answers each line of orders with a line. */
export async function startPeer(
  name: string,
  stages: readonly Stage[],
  [command, ...args]: readonly string[],
): Promise<Peer> {
  const child: ChildProcess = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines: Interface = createInterface({ input: child.stdout! });
  const answers = lines[Symbol.asyncIterator]();
  let peakBytes = 0;

  const next = async (): Promise<Answer> => {
    const { value, done } = await answers.next();
    if (done) throw new Error(`${name} ended; its message is above`);
    const answer = JSON.parse(value) as Answer;
    peakBytes = Math.max(peakBytes, answer.peakBytes);
    return answer;
  };
  const order = (what: object): Promise<Answer> => {
    child.stdin!.write(JSON.stringify(what) + "\n");
    return next();
  };

  const { peakBytes: _, ...versions } = await next();
  return {
    name,
    versions: versions as Record<string, string>,
    stages,
    run: async (stage) => (await order({ run: stage })).ms!,
    save: async (stage, path) => {
      await order({ save: stage, to: path });
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.stdin!.end();
      await ended;
      return peakBytes;
    },
  };
}
