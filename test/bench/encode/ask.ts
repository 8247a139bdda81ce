/**
 * Programs that answer each line with a line of JSON.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program that runs. */
export interface Asked<Hello, Answer> {
  /** Its first line. */
  readonly hello: Hello;
  readonly ask: () => Promise<Answer>;
  readonly close: () => Promise<void>;
}

/**
 * Start a program.
 *
 * @throws {Error} if it ends before its first line
 */
export async function startAsked<Hello, Answer>(
  [command, ...args]: readonly string[],
): Promise<Asked<Hello, Answer>> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const answers = lines[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once("close", resolve));
  const next = async () => {
    // libraries of peers write lines of their own
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error(`${command} ended; its message is above`);
      if (value.startsWith("{")) return JSON.parse(value);
    }
  };
  return {
    hello: await next(),
    ask: () => {
      child.stdin.write("run\n");
      return next();
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
