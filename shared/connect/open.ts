/**
 * Open the queue and the store that the environment names: NATS or a SQLite
 * file, S3 or a folder.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openNats } from "../queue/nats.ts";
import { openSqlite } from "../queue/sqlite.ts";
import type { QueueBackend } from "../queue/types.ts";
import { openFolder } from "../storage/folder.ts";
import { openS3 } from "../storage/s3.ts";
import type { ObjectStore } from "../storage/types.ts";
import { VERSION } from "../version.ts";
import type { Environment } from "./settings.ts";

/** An object store, and how the edge serves what it signs. */
export interface OpenedStore {
  readonly store: ObjectStore;
  /** Of its signed URLs, where that is not the edge's. */
  readonly origin?: string;
  /** Absent with S3, which serves itself. */
  readonly serve?: (request: Request) => Promise<Response>;
}

/** Open the queue. */
export async function openBackend(
  env: Environment,
  clientName: string,
): Promise<QueueBackend> {
  const servers = env.CYTOEDGE_NATS;
  if (servers !== undefined) {
    const token = env.CYTOEDGE_NATS_TOKEN;
    return await openNats({
      servers,
      clientName,
      replicas: env.CYTOEDGE_NATS_REPLICAS,
      ...(token === undefined ? {} : { token }),
    });
  }
  await mkdir(env.CYTOEDGE_DATA, { recursive: true });
  return openSqlite({ path: join(env.CYTOEDGE_DATA, "queue.sqlite") });
}

/** Open the store. */
export async function openStore(env: Environment): Promise<OpenedStore> {
  const bucket = env.CYTOEDGE_S3_BUCKET;
  if (bucket === undefined) return await openDataFolder(env.CYTOEDGE_DATA);
  const endpoint = env.CYTOEDGE_S3_ENDPOINT;
  const publicEndpoint = env.CYTOEDGE_S3_PUBLIC_ENDPOINT;
  const store = openS3({
    bucket,
    region: env.CYTOEDGE_S3_REGION,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(publicEndpoint === undefined ? {} : { publicEndpoint }),
    credentials: {
      accessKeyId: env.CYTOEDGE_S3_ACCESS_KEY ?? "",
      secretAccessKey: env.CYTOEDGE_S3_SECRET_KEY ?? "",
    },
  });
  return { store, origin: await originOf(store) };
}

/** The bucket may be part of the host's name: a signed URL tells. */
async function originOf(store: ObjectStore): Promise<string> {
  const { url } = await store.presignGet("origin", { ttlSeconds: 1 });
  return new URL(url).origin;
}

/** Open the store of an embedded service's folder. */
export async function openDataFolder(
  data: string,
): Promise<Required<Omit<OpenedStore, "origin">>> {
  await mkdir(data, { recursive: true });
  const store = await openFolder({
    root: join(data, "store"),
    baseUrl: "/store",
    secret: await readSecret(data),
  });
  return { store, serve: (request) => store.serve(request) };
}

/** The secret that signs URLs and sessions; made at the first start. */
export async function readSecret(
  data: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(data, "secret");
  if (!existsSync(path)) {
    await writeFile(path, randomBytes(32), { mode: 0o600, flag: "wx" })
      // another process was first
      .catch(() => {});
  }
  return new Uint8Array(await readFile(path));
}

/** Version of the code that turns images into masks; part of result ids. */
export function nameCore(bytes: Uint8Array): string {
  const digest = createHash("sha256").update(bytes).digest("hex");
  return `${VERSION} ${digest.slice(0, 16)}`;
}
