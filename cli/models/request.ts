/**
 * One request for a file or the rest of it, with answers judged.
 *
 * Redirects are followed here: what the first server says about the file is
 * kept, and none may lead away from a verified connection. Certificates are
 * the runtime's to verify; nothing here can turn that off.
 *
 * @module
 */

/** What to ask for. */
export interface FileRequest {
  readonly url: URL;
  /** Bytes that are here already, and the version they are of. */
  readonly have?: { readonly bytes: number; readonly etag: string };
  readonly signal: AbortSignal;
}

/** An answer with a body. */
export interface FileAnswer {
  readonly body: ReadableStream<Uint8Array>;
  /** Where the body begins in the file; 0 if the server sends all of it. */
  readonly offset: number;
  /** Size of the whole file; null if the server does not say. */
  readonly total: number | null;
  /** Names this version of the file exactly; null if nothing does. */
  readonly etag: string | null;
  /** SHA-256 that the server announces; null if it does not. */
  readonly sha256: string | null;
}

const MAX_REDIRECTS = 5;

/**
 * Ask for a file.
 *
 * @returns null if what is here already cannot be continued
 * @throws {Error} with one line that says what is wrong
 *
 * Source: RFC 9110 §13.1.5 (If-Range), §14 (ranges); `X-Linked-ETag` is
 *   Hugging Face's name for the SHA-256 of a large file.
 */
export async function requestFile(
  { url, have, signal }: FileRequest,
): Promise<FileAnswer | null> {
  const headers = {
    // sizes and ranges are those of the file itself
    "accept-encoding": "identity",
    ...(have && { range: `bytes=${have.bytes}-`, "if-range": have.etag }),
  };
  let at = url;
  let sha256: string | null = null;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    requireVerified(at);
    const answer = await send(at, { headers, signal });
    sha256 ??= readDigest(answer.headers.get("x-linked-etag"));
    const next = answer.headers.get("location");
    if (answer.status >= 300 && answer.status < 400 && next !== null) {
      await answer.body?.cancel();
      at = followRedirect(at, next);
      continue;
    }
    return await readAnswer(answer, { at, have, sha256 });
  }
  throw new Error(`${url.host} redirects more than ${MAX_REDIRECTS} times`);
}

/** Refuse addresses whose server nobody vouches for. */
export function requireVerified({ protocol, hostname, host }: URL): void {
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (protocol === "https:" || (protocol === "http:" && isHere)) return;
  throw new Error(
    `${protocol}//${host} cannot be verified; the address must be https`,
  );
}

/** Where a redirect leads; it may not leave a verified connection. */
export function followRedirect(from: URL, location: string): URL {
  const to = new URL(location, from);
  if (to.protocol === from.protocol || to.protocol === "https:") return to;
  throw new Error(
    `${from.host} redirects to ${to.protocol}//${to.host}, which is not https`,
  );
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "manual" });
  } catch (err) {
    init.signal?.throwIfAborted();
    throw new Error(`cannot reach ${url.host}: ${lastClause(err)}`, {
      cause: err,
    });
  }
}

async function readAnswer(
  answer: Response,
  { at, have, sha256 }: {
    at: URL;
    have: FileRequest["have"];
    sha256: string | null;
  },
): Promise<FileAnswer | null> {
  const { status, body, headers } = answer;
  const etag = readEtag(headers);
  const refuse = async (reason: string): Promise<never> => {
    await body?.cancel();
    throw new Error(`${at.host} ${reason}`);
  };
  if (status === 404) return await refuse(`has no ${at.pathname} (404)`);
  if (have && status === 416) {
    await body?.cancel();
    const total = headers.get("content-range")?.replace("bytes */", "");
    const isWhole = total === `${have.bytes}` &&
      (etag ?? have.etag) === have.etag;
    if (!isWhole) return null;
    // it was cut off after the last byte
    const nothing = new Blob([]).stream();
    return {
      ...have,
      body: nothing,
      offset: have.bytes,
      total: have.bytes,
      sha256,
    };
  }
  if (status !== 200 && status !== 206) {
    return await refuse(`answered ${status} ${answer.statusText}`.trimEnd());
  }
  if (body === null) return await refuse("sent nothing");
  if (headers.get("content-type")?.startsWith("text/html")) {
    return await refuse("sent a web page, no checkpoint");
  }
  if (status === 200) {
    const length = headers.get("content-length");
    const total = length === null ? null : Number(length);
    return { body, offset: 0, total, etag, sha256 };
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(
    headers.get("content-range") ?? "",
  );
  // a server may ignore If-Range, or send another part than was asked for
  if (!have || Number(range?.[1]) !== have.bytes || etag !== have.etag) {
    await body.cancel();
    if (have) return null;
    throw new Error(`${at.host} sent a part of the file, which was not asked`);
  }
  const total = range?.[2] === "*" ? null : Number(range?.[2]);
  return { body, offset: have.bytes, total, etag, sha256 };
}

/** A weak tag names no exact bytes and cannot be continued from. */
function readEtag(headers: Headers): string | null {
  const etag = headers.get("etag");
  return etag?.startsWith('"') ? etag : null;
}

function readDigest(tag: string | null): string | null {
  return /^"?([0-9a-f]{64})"?$/.exec(tag ?? "")?.[1] ?? null;
}

/** The innermost of a chain of reasons; addresses in it can be very long. */
export function lastClause(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  if (err.cause instanceof Error) return lastClause(err.cause);
  return err.message.split("\n")[0].replace(/^error sending .*?\): /, "");
}
