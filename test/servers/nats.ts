/**
 * A NATS server with JetStream, for a test.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsOptions, openNats } from "../../shared/queue/nats.ts";
import type { QueueBackend } from "../../shared/queue/types.ts";
import { type Server, startServer } from "./process.ts";
import { NATS_SERVER } from "./programs.ts";

/** A server, and how to connect to it. */
export interface NatsServer extends Server {
  readonly url: string;
  open(options?: Partial<NatsOptions>): Promise<QueueBackend>;
  /** End it and delete its data. */
  remove(): Promise<void>;
}

/** Start a server without streams. */
export async function startNats(): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-nats-"));
  const server = await startServer(NATS_SERVER ?? "", (port) => [
    ...["--addr", "127.0.0.1", "--port", `${port}`],
    ...["--jetstream", "--store_dir", folder],
  ]);
  const url = `nats://127.0.0.1:${server.port}`;
  return {
    ...server,
    url,
    open: (options = {}) => openNats({ servers: [url], ...options }),
    async remove() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
