/**
 * Start a server on the loopback for a test, and end it by its id.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";

/** How long a server may take to listen, ms. */
const START_MS = 20_000;

/** A server that runs. */
export interface Server {
  readonly port: number;
  pid(): number;
  /** End it at once, as a crash would; resolves when it is gone. */
  kill(): Promise<void>;
  /** Start it again at the same port, with the same data. */
  restart(): Promise<void>;
}

/** A port that nobody listens at. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/**
 * Start a program and wait until it listens.
 *
 * @param program  its path
 * @param argsFor  its arguments, for a port
 * @throws {Error} with what it printed, if it ends or is silent
 */
export async function startServer(
  program: string,
  argsFor: (port: number) => string[],
): Promise<Server> {
  const port = await freePort();
  let child: ChildProcess;
  const start = async () => {
    child = spawn(program, argsFor(port), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    child.stdout?.on("data", (text) => printed += text);
    child.stderr?.on("data", (text) => printed += text);
    const deadline = performance.now() + START_MS;
    while (!await listens(port)) {
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill("SIGKILL");
        throw new Error(`${program} does not listen: ${printed.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const restart = async () => {
    await kill();
    await start();
  };
  await start();
  return { port, pid: () => child.pid ?? 0, kill, restart };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
