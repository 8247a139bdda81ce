import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server holds and how it fails. */
export interface ServedFile {
  bytes: Uint8Array;
  etag: string | null;
  /** Breaks the connection after so many bytes of an answer. */
  cutAfter?: number;
  /** Says nothing more after so many bytes of an answer. */
  stallAfter?: number;
  /** Sends the rest of the file even where it has changed. */
  ignoresIfRange?: boolean;
  type?: string;
  /** Size that the server says the file has. */
  claims?: number;
  /** Sends callers elsewhere, and says what the file's digest is. */
  redirect?: { location: string; digest?: string };
}

/** A server of one file on the loopback, with ranges; it keeps a log. */
export interface FileServer {
  readonly base: string;
  readonly file: ServedFile;
  /** `METHOD PATH [RANGE]` and the status of each request. */
  readonly log: string[];
  close(): Promise<void>;
}

/** Serve `file` as `/models/NAME` of any name but `cpdino`, which is absent. */
export async function serveFile(file: ServedFile): Promise<FileServer> {
  const log: string[] = [];
  const server: Server = createServer((request, response) => {
    const { range, "if-range": ifRange } = request.headers;
    const answer = (status: number, headers: Record<string, string> = {}) => {
      log.push(`${request.url} ${range ?? "all"} ${status}`);
      response.writeHead(status, headers);
    };
    const isFirst = request.url?.startsWith("/models/");
    if (request.url?.endsWith("/cpdino")) {
      answer(404);
      return response.end();
    }
    if (file.redirect && isFirst) {
      const { location, digest } = file.redirect;
      answer(302, {
        location,
        ...(digest && { "x-linked-etag": `"${digest}"` }),
      });
      return response.end();
    }
    const { bytes, etag, cutAfter, stallAfter } = file;
    const total = bytes.length;
    const isSame = file.ignoresIfRange || ifRange === etag;
    const start = range !== undefined && isSame
      ? Number(/^bytes=(\d+)-$/.exec(range)?.[1])
      : 0;
    if (start >= total) {
      answer(416, { "content-range": `bytes */${total}` });
      return response.end();
    }
    answer(start > 0 ? 206 : 200, {
      "content-length": `${(file.claims ?? total) - start}`,
      "content-type": file.type ?? "application/octet-stream",
      ...(etag && { etag }),
      ...(start > 0 &&
        { "content-range": `bytes ${start}-${total - 1}/${total}` }),
    });
    const end = cutAfter ?? stallAfter;
    if (end === undefined) return response.end(bytes.subarray(start));
    response.write(bytes.subarray(start, start + end), () => {
      // what was written leaves before the connection does
      if (cutAfter !== undefined) setTimeout(() => response.destroy(), 50);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    base: `http://127.0.0.1:${port}/models`,
    file,
    log,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
