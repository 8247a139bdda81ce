/**
 * A caller that does not give up: it repeats what has failed until a job is
 * accepted, as clients are told to, and remembers what it was answered.
 *
 * @module
 */
import { sha256 } from "./config.ts";

/** How often a call is repeated, and the pause before, ms. */
const TRIES = 120;
const PAUSE_MS = 250;

/** JSON of any shape. */
// deno-lint-ignore no-explicit-any
export type Answer = any;

/** A call that is signed. */
export interface SignedCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Calls one edge with one key. */
export interface Client {
  /** Repeats until there is an answer below 500 that is not 429. */
  call(
    method: string,
    path: string,
    options?: { json?: unknown; headers?: Record<string, string> },
  ): Promise<{ status: number; body: Answer }>;
  /** Announce and send a file; its id. */
  upload(name: string, bytes: Uint8Array): Promise<string>;
  /** Announce a file; its id. */
  announce(name: string, bytes: Uint8Array): Promise<string>;
  /** Send an announced file, unless it has arrived. */
  send(id: string, bytes: Uint8Array): Promise<void>;
  /** PUT what a signed call is for; repeats. */
  put(
    sign: () => Promise<SignedCall | undefined>,
    bytes: Uint8Array,
  ): Promise<void>;
  /** Get what a signed URL leads to. */
  download(url: string): Promise<Uint8Array>;
}

/** A client of an edge. */
export function createClient(origin: string, key: string): Client {
  const authorization = `Bearer ${key}`;
  const client: Client = {
    call: (method, path, { json, headers = {} } = {}) =>
      persist(async () => {
        const answer = await fetch(`${origin}${path}`, {
          method,
          headers: {
            authorization,
            ...headers,
            ...(json === undefined
              ? {}
              : { "content-type": "application/json" }),
          },
          ...(json === undefined ? {} : { body: JSON.stringify(json) }),
          signal: AbortSignal.timeout(15_000),
        });
        const text = await answer.text();
        if (answer.status >= 500 || answer.status === 429) {
          throw new Error(`${method} ${path}: ${answer.status} ${text}`);
        }
        return { status: answer.status, body: JSON.parse(text) };
      }),
    async upload(name, bytes) {
      const id = await client.announce(name, bytes);
      await client.send(id, bytes);
      return id;
    },
    async announce(name, bytes) {
      const { body } = await client.call("POST", "/v1/uploads", {
        json: { name, bytes: bytes.length, sha256: sha256(bytes) },
      });
      return body.id;
    },
    send: (id, bytes) =>
      client.put(
        // none: it arrived, and the answer was lost
        async () => (await client.call("GET", `/v1/uploads/${id}`)).body.put,
        bytes,
      ),
    put: (sign, bytes) =>
      persist(async () => {
        const put = await sign();
        if (put === undefined) return;
        const sent = await fetch(put.url, {
          method: "PUT",
          headers: put.headers,
          body: new Uint8Array(bytes),
          signal: AbortSignal.timeout(15_000),
        });
        await sent.body?.cancel();
        if (!sent.ok) throw new Error(`PUT ${sent.status}`);
      }),
    download: (url) =>
      persist(async () => {
        const answer = await fetch(url);
        if (!answer.ok) throw new Error(`GET ${answer.status}`);
        return new Uint8Array(await answer.arrayBuffer());
      }),
  };
  return client;
}

async function persist<T>(run: () => Promise<T>): Promise<T> {
  for (let left = TRIES;; left--) {
    try {
      return await run();
    } catch (err) {
      if (left === 0) throw err;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
