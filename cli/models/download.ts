/**
 * A file from the network to the disk, continued where it was cut off.
 *
 *   PATH.part       what has arrived
 *   PATH.part.json  the address and version it is of
 *   PATH            the whole file, once its digest is right
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { type FileAnswer, lastClause, requestFile } from "./request.ts";

/** What to fetch. */
export interface DownloadOptions {
  readonly url: URL;
  /** Of the file; its folder exists. */
  readonly path: string;
  /** SHA-256 in hex that the file must have. */
  readonly sha256?: string | undefined;
  /** Without data for so long, the connection counts as broken. */
  readonly stallMs?: number;
  /** Called as data arrives. */
  readonly onProgress?: (bytes: number, total: number | null) => void;
}

/** What has been fetched. */
export interface Downloaded {
  readonly bytes: number;
  /** Of them, how many an earlier call had fetched. */
  readonly resumedAt: number;
  readonly sha256: string;
  /** Whom the digest was compared with; null: with nobody. */
  readonly checked: "given" | "announced" | null;
}

/** Left on the disk at least, beside the file. */
const SPARE_BYTES = 2 ** 26;

/**
 * Fetch a file.
 *
 * @throws {Error} with one line that says what is wrong; after a wrong digest
 *   nothing is left, after a cut what has arrived is kept
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { url, path, sha256, stallMs = 60_000, onProgress } = options;
  const part = `${path}.part`;
  const stall = watchForStall(stallMs);
  try {
    const answer = await ask(url, part, stall.signal);
    const { offset, total } = answer;
    const hash = createHash("sha256");
    if (offset > 0) await hashFile(part, hash, stall.reset);
    else removePart(part);
    await requireSpace(path, total === null ? 0 : total - offset);
    // without an exact version there is nothing to continue from
    if (answer.etag !== null) {
      writeFileSync(
        `${part}.json`,
        JSON.stringify({ url: url.href, etag: answer.etag }),
      );
    }
    const bytes = await receive(answer, part, (chunk, done) => {
      stall.reset();
      hash.update(chunk);
      onProgress?.(done, total);
    });
    const digest = hash.digest("hex");
    const expected = sha256 ?? answer.sha256;
    if (expected !== null && expected !== digest) {
      removePart(part);
      throw new Error(
        `the file has SHA-256 ${digest}, not ${expected}; it was removed`,
      );
    }
    renameSync(part, path);
    rmSync(`${part}.json`, { force: true });
    const checked = sha256 ? "given" : answer.sha256 ? "announced" : null;
    return { bytes, resumedAt: offset, sha256: digest, checked };
  } catch (err) {
    if (stall.signal.aborted) {
      throw new Error(
        `no data from ${url.host} for ${stallMs / 1000} s; call again to go on`,
        { cause: err },
      );
    }
    throw explainDisk(err, path);
  } finally {
    stall.stop();
  }
}

/** SHA-256 of a file in hex. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await hashFile(path, hash);
  return hash.digest("hex");
}

/** Ask for the rest of the file, or for all of it where that cannot be had. */
async function ask(
  url: URL,
  part: string,
  signal: AbortSignal,
): Promise<FileAnswer> {
  const have = readPart(part, url);
  const answer = await requestFile({ url, signal, ...(have && { have }) }) ??
    await requestFile({ url, signal });
  if (answer === null) throw new Error(`${url.host} sent nothing`);
  return answer;
}

function readPart(part: string, url: URL) {
  try {
    const facts: unknown = JSON.parse(readFileSync(`${part}.json`, "utf8"));
    const { url: from, etag } = facts as { url?: unknown; etag?: unknown };
    const bytes = statSync(part).size;
    const fits = from === url.href && typeof etag === "string" && bytes > 0;
    return fits ? { bytes, etag } : null;
  } catch {
    // nothing here, or nothing that says what it is
    return null;
  }
}

async function receive(
  { body, offset, total }: FileAnswer,
  part: string,
  onChunk: (chunk: Uint8Array, done: number) => void,
): Promise<number> {
  const file = openSync(part, offset > 0 ? "a" : "w");
  let done = offset;
  try {
    const reader = body.getReader();
    while (true) {
      const { value } = await read(reader, done);
      if (value === undefined) break;
      for (let at = 0; at < value.length;) {
        at += writeSync(file, value, at, value.length - at);
      }
      done += value.length;
      onChunk(value, done);
    }
  } finally {
    closeSync(file);
  }
  if (total !== null && done !== total) throw broken(done, "the file is cut");
  return done;
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  done: number,
) {
  try {
    return await reader.read();
  } catch (err) {
    throw broken(done, lastClause(err));
  }
}

function broken(done: number, reason: string): Error {
  const mib = (done / 2 ** 20).toFixed(1);
  return new Error(
    `the connection broke after ${mib} MiB (${reason}); call again to go on`,
  );
}

async function hashFile(
  path: string,
  hash: Hash,
  onChunk?: () => void,
): Promise<void> {
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    onChunk?.();
  }
}

function removePart(part: string): void {
  rmSync(part, { force: true });
  rmSync(`${part}.json`, { force: true });
}

async function requireSpace(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bytes + SPARE_BYTES <= bavail * bsize) return;
  const mib = (n: number) => Math.ceil(n / 2 ** 20);
  throw new Error(
    `${dirname(path)} has ${mib(bavail * bsize)} MiB left; the file needs ${
      mib(bytes)
    } MiB more`,
  );
}

function explainDisk(err: unknown, path: string): unknown {
  const code = (err as { code?: unknown }).code;
  if (code === "ENOSPC") return new Error(`the disk of ${path} is full`);
  if (code === "EACCES" || code === "EROFS") {
    return new Error(`${dirname(path)} cannot be written to`);
  }
  return err;
}

/** A signal that aborts when nothing has happened for a while. */
function watchForStall(ms: number) {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(), ms);
  let timer = start();
  return {
    signal: controller.signal,
    reset() {
      clearTimeout(timer);
      timer = start();
    },
    stop: () => clearTimeout(timer),
  };
}
