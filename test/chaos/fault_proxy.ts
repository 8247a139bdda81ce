/**
 * A proxy before an S3 server that goes wrong when told to.
 *
 * @module
 */
import { createServer, type IncomingMessage, request } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to a request. */
export const STORE_FAULTS = [
  /** Refused with 500. */
  "refused",
  /** Done, but answered with 500. */
  "unanswered",
  /** Answered late. */
  "slow",
  /** Its answer's body ends early. */
  "partial",
  /** Its connection is closed. */
  "reset",
] as const;

/** What happens to a request. */
export type StoreFault = typeof STORE_FAULTS[number];

const SLOW_MS = 1_200;

/** A proxy that runs. */
export interface FaultProxy {
  readonly url: string;
  /** The next `count` requests go wrong. */
  disturb(fault: StoreFault, count: number): void;
  /** How many have gone wrong. */
  hits(): number;
  /** From here on nothing goes wrong. */
  calm(): void;
  close(): Promise<void>;
}

/** Start a proxy before a server on the loopback. */
export async function startFaultProxy(port: number): Promise<FaultProxy> {
  const planned: StoreFault[] = [];
  let hits = 0;
  const server = createServer((incoming, outgoing) => {
    const fault = planned.shift();
    if (fault !== undefined) hits++;
    pass(port, fault, { incoming, outgoing }).catch(() => incoming.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    disturb: (fault, count) => {
      planned.push(...Array(count).fill(fault));
    },
    hits: () => hits,
    calm: () => {
      planned.length = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function pass(
  port: number,
  fault: StoreFault | undefined,
  { incoming, outgoing }: {
    incoming: IncomingMessage;
    outgoing: ServerResponse;
  },
): Promise<void> {
  if (fault === "reset") {
    incoming.destroy();
    return;
  }
  const body = await readAll(incoming);
  if (fault === "slow") {
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  }
  if (fault === "refused") return fail(outgoing);
  const { method, url, headers } = incoming;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // with its own host: that is signed
    request({ host: "127.0.0.1", port, method, path: url, headers }, resolve)
      .once("error", reject).end(body);
  });
  const content = await readAll(answer);
  if (fault === "unanswered") return fail(outgoing);
  outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
  if (fault === "partial" && content.length > 1) {
    outgoing.write(content.subarray(0, content.length >> 1));
    setTimeout(() => outgoing.destroy(), 20);
  } else outgoing.end(content);
}

function fail(outgoing: ServerResponse): void {
  outgoing.writeHead(500, { "content-type": "application/xml" });
  outgoing.end("<Error><Code>InternalError</Code></Error>");
}

async function readAll(stream: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const all = new Uint8Array(
    chunks.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
