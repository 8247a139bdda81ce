/**
 * Calls to URLs that users give: inputs and webhooks.
 *
 * Such a URL may point at what only this machine can reach. Therefore: https
 * only, hosts of a list only, no credentials in the URL, no redirect followed,
 * and the name is resolved once: every address it has must be a public one, and
 * the connection goes to that address, so that a second answer of the name
 * server changes nothing.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { lookup } from "node:dns/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import ipaddr from "ipaddr.js";
import {
  ForbiddenError,
  ImageTooLargeError,
  InvalidRequestError,
  StorageError,
} from "../errors.ts";

/** What may be called. */
export interface GuardOptions {
  /** Host names, or `name:port`; none: everything is refused. */
  readonly hosts: readonly string[];
  /** Addresses of a name; default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /**
   * For tests only: loopback addresses may be called, also without TLS, and
   * certificates of this authority are taken. No configuration sets it.
   */
  readonly testing?: { readonly ca?: string };
}

/** A call. */
export interface GuardedCall {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer; default 64 KiB. */
  readonly maxBytes?: number;
  /** Of the whole call, default 15 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What was answered. */
export interface GuardedAnswer {
  readonly status: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Calls what may be called. */
export interface FetchGuard {
  /** Whether anything at all may be called. */
  readonly isOn: boolean;
  /**
   * Check a URL by its text.
   *
   * @throws {ForbiddenError} if it may not be called
   */
  check(url: string): URL;
  /**
   * Check, resolve, check the addresses, call.
   *
   * @throws {ForbiddenError} if it may not be called, or redirects
   * @throws {ImageTooLargeError} if the answer is longer than `maxBytes`
   * @throws {StorageError} if the host does not answer; it may be repeated
   */
  call(url: string, call?: GuardedCall): Promise<GuardedAnswer>;
}

const MAX_BYTES = 64 * 1024;
const TIMEOUT_MS = 15_000;
const MAX_URL = 2000;

/** Guard calls. */
export function createFetchGuard(
  { hosts, resolve = resolveHost, testing }: GuardOptions,
): FetchGuard {
  const allowed = hosts.map((host) => host.toLowerCase());

  function check(text: string): URL {
    const url = parse(text);
    const isPlain = url.protocol === "http:" && testing !== undefined;
    if (url.protocol !== "https:" && !isPlain) refuse(url, "is not https");
    if (url.username !== "" || url.password !== "") {
      refuse(url, "holds credentials");
    }
    // without a port an entry allows the standard one only
    if (!allowed.includes(url.host)) {
      refuse(
        url,
        allowed.length === 0
          ? "cannot be called: fetching is off on this service"
          : `is not among the allowed hosts: ${allowed.join(", ")}`,
      );
    }
    return url;
  }

  async function pin(url: URL): Promise<string> {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = ipaddr.isValid(host)
      ? [host]
      : await resolve(host).catch((cause: unknown) => {
        throw new StorageError("fetch", url.host, {
          detail: "its name cannot be resolved",
          cause,
        });
      });
    if (addresses.length === 0) {
      const detail = "its name has no address";
      throw new StorageError("fetch", url.host, { detail });
    }
    const wrong = addresses.find((each) =>
      !isPublicAddress(each) && !(testing && isLoopbackAddress(each))
    );
    // which address it is tells of the network here: it stays unsaid
    if (wrong !== undefined) refuse(url, "does not lead to a public address");
    return addresses[0];
  }

  return {
    isOn: allowed.length > 0,
    check,
    async call(text, call = {}) {
      const url = check(text);
      const address = await pin(url);
      const { timeoutMs = TIMEOUT_MS, signal } = call;
      const late = AbortSignal.timeout(timeoutMs);
      const answer = await connect(url, address, {
        ...call,
        ...(testing?.ca === undefined ? {} : { ca: testing.ca }),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      if (answer.status >= 300 && answer.status < 400) {
        refuse(url, "redirects; give the URL that it leads to");
      }
      return answer;
    },
  };
}

/**
 * True for an address of the public Internet: not private, loopback,
 * link-local, shared, multicast, documentation, or one that carries another
 * inside (IPv4-mapped, 6to4, NAT64, Teredo).
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) &&
    ipaddr.parse(address).range() === "unicast";
}

function isLoopbackAddress(address: string): boolean {
  return ipaddr.isValid(address) &&
    ipaddr.parse(address).range() === "loopback";
}

function parse(text: string): URL {
  const url = text.length <= MAX_URL ? URL.parse(text) : null;
  if (url) return url;
  throw new InvalidRequestError([{
    pointer: "url",
    detail: `is no URL of at most ${MAX_URL} characters`,
  }]);
}

function refuse(url: URL, why: string): never {
  throw new ForbiddenError(`The URL of ${url.host} ${why}`);
}

async function resolveHost(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

function connect(
  url: URL,
  address: string,
  { method = "GET", headers = {}, body, ca, maxBytes = MAX_BYTES, signal }:
    & GuardedCall
    & { readonly ca?: string },
): Promise<GuardedAnswer> {
  const isTls = url.protocol === "https:";
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  const options = {
    method,
    // the address that was checked; the name is for TLS and the host header
    host: address,
    port: url.port || (isTls ? 443 : 80),
    path: url.pathname + url.search,
    agent: false as const,
    ...(ipaddr.isValid(name) ? {} : { servername: name }),
    ...(ca === undefined ? {} : { ca }),
    ...(signal === undefined ? {} : { signal }),
    headers: {
      ...headers,
      host: url.host,
      ...(bytes ? { "content-length": `${bytes.length}` } : {}),
    },
  };
  const start = isTls ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      const detail = signal?.aborted ? "no answer in time" : "no answer";
      reject(new StorageError("fetch", url.host, { detail, cause }));
    };
    const outgoing = start(options, (incoming) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      incoming.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > maxBytes) {
          reject(new ImageTooLargeError(length, maxBytes));
          outgoing.destroy();
        } else chunks.push(chunk);
      });
      incoming.on("end", () => {
        const all = new Uint8Array(length);
        let at = 0;
        for (const chunk of chunks) {
          all.set(chunk, at);
          at += chunk.length;
        }
        resolve({ status: incoming.statusCode ?? 0, bytes: all });
      });
      incoming.on("aborted", fail);
      incoming.on("error", fail);
    });
    outgoing.on("error", fail);
    outgoing.end(bytes);
  });
}
