/**
 * Requests a second over connections that stay open, as wrk asks: each asks
 * again as soon as it is answered.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect } from "node:net";

/** How it is asked. */
export interface ThroughputOptions {
  readonly connections: number;
  readonly seconds: number;
}

/**
 * Ask for a path again and again.
 *
 * @returns requests answered with 200 a second
 * @throws {Error} on any other answer
 */
export async function askOften(
  url: string,
  key: string,
  { connections, seconds }: ThroughputOptions,
): Promise<number> {
  const { hostname, port, pathname } = new URL(url);
  const request = Buffer.from(
    `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${key}\r\n\r\n`,
  );
  const end = performance.now() + 1000 * seconds;
  const from = performance.now();
  const counts = await Promise.all(
    Array.from(
      { length: connections },
      () => askOnOne({ host: hostname, port: Number(port) }, request, end),
    ),
  );
  const answered = counts.reduce((sum, count) => sum + count, 0);
  return answered / ((performance.now() - from) / 1000);
}

function askOnOne(
  to: { host: string; port: number },
  request: Buffer,
  end: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(to, () => socket.write(request));
    let heard: Buffer = Buffer.alloc(0);
    let count = 0;
    socket.on("error", reject);
    socket.on("data", (data) => {
      heard = Buffer.concat([heard, Buffer.from(data)]);
      const length = lengthOfAnswer(heard);
      if (length === undefined || heard.length < length) return;
      if (!heard.subarray(0, 12).toString().endsWith(" 200")) {
        socket.destroy();
        return reject(new Error(heard.toString()));
      }
      heard = heard.subarray(length);
      count++;
      if (performance.now() < end) return socket.write(request);
      socket.destroy();
      resolve(count);
    });
  });
}

/** Bytes of head and body, once the head is there. */
function lengthOfAnswer(heard: Buffer): number | undefined {
  const head = heard.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const text = heard.subarray(0, head).toString().toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(text)?.[1];
  if (length === undefined) throw new Error(`no length: ${text}`);
  return head + 4 + Number(length);
}
