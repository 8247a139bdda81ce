/**
 * A folder store whose signed URLs are served, as the edge serves them.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { isSegError } from "../../shared/errors.ts";
import { type FolderStore, openFolder } from "../../shared/storage/folder.ts";
import type { Clock } from "../../shared/storage/types.ts";

/** What the edge answers for each error; the rest is a 500. */
const STATUS: Readonly<Record<string, number>> = {
  "invalid-request": 422,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  storage: 503,
};

/** A store, served. */
export interface ServedFolder {
  readonly root: string;
  readonly store: FolderStore;
  remove(): Promise<void>;
}

/** Open a folder (a new one by default) and serve its signed URLs. */
export async function serveFolder(
  { root, now }: { root?: string; now?: Clock } = {},
): Promise<ServedFolder> {
  const folder = root ?? await mkdtemp(join(tmpdir(), "cytoedge-folder-"));
  const server = createServer(async (incoming, outgoing) => {
    const aborter = new AbortController();
    incoming.once("close", () => incoming.complete || aborter.abort());
    const hasBody = incoming.method === "PUT";
    const request = new Request(`http://127.0.0.1${incoming.url}`, {
      method: incoming.method ?? "GET",
      headers: incoming.headers as Record<string, string>,
      signal: aborter.signal,
      ...(hasBody && {
        body: Readable.toWeb(incoming) as unknown as ReadableStream,
        duplex: "half",
      }),
    });
    try {
      const answer = await store.serve(request);
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body === null) return outgoing.end();
      Readable.fromWeb(answer.body as unknown as NodeStream).pipe(outgoing);
    } catch (err) {
      const status = isSegError(err) ? STATUS[err.tag] : undefined;
      outgoing.writeHead(status ?? 500, { connection: "close" });
      outgoing.end(err instanceof Error ? err.message : "");
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const store = await openFolder({
    root: folder,
    baseUrl: `http://127.0.0.1:${port}/v1/storage`,
    secret: new Uint8Array(32).fill(7),
    ...(now && { now }),
  });
  return {
    root: folder,
    store,
    async remove() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      if (root === undefined) {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
