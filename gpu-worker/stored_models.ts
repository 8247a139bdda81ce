/**
 * Models between the store and folders of this machine.
 *
 *   tenants/TENANT/models/DIGEST/NAME  ⇄  FOLDER/NAME
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeStream } from "node:stream/web";
import type { StoredModel } from "../shared/schema/tasks.ts";
import { objectKey } from "../shared/storage/keys.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import { openModelFolder } from "./model_folder.ts";

/** Stored last, and deleted with the model. */
export const DESCRIPTION = "model.json";

/**
 * Store a model's folder for a tenant; the description is written last.
 *
 * @throws {ModelError} if the folder holds no model
 */
export async function storeModel(
  store: ObjectStore,
  folder: string,
  { tenant, name }: { tenant: string; name: string },
): Promise<StoredModel> {
  const { model, json, digest } = await openModelFolder(folder);
  const files = json.networks.flatMap(({ files }) => files)
    .map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
  const key = (file: string) => objectKey(tenant, "models", digest, file);
  for (const { name: file, bytes, sha256 } of files) {
    const stream = Readable.toWeb(createReadStream(join(folder, file)));
    await store.put(
      key(file),
      stream as unknown as ReadableStream<Uint8Array<ArrayBuffer>>,
      { mediaType: "application/octet-stream", length: bytes, sha256 },
    );
  }
  const text = await readFile(join(folder, DESCRIPTION));
  await store.put(key(DESCRIPTION), new Uint8Array(text), {
    mediaType: "application/json",
  });
  const { family, precision, licence, diameter } = model;
  return { name, family, digest, precision, licence, diameter, files };
}

/**
 * Bring a stored model to a folder named by its digest, unless it is there.
 *
 * @param cache  folder of such folders
 * @returns      the model's folder
 */
export async function bringModel(
  store: ObjectStore,
  cache: string,
  { tenant, model }: { tenant: string; model: StoredModel },
): Promise<string> {
  const folder = join(cache, model.digest);
  if (existsSync(join(folder, DESCRIPTION))) return folder;
  // several workers may share the cache: whole or not at all
  const part = `${folder}.${randomUUID()}`;
  await mkdir(part, { recursive: true });
  try {
    for (const name of [...model.files.map(({ name }) => name), DESCRIPTION]) {
      const key = objectKey(tenant, "models", model.digest, name);
      await download(store, key, join(part, name));
    }
    await rename(part, folder).catch(async (err: unknown) => {
      if (!(await stat(folder).catch(() => undefined))) throw err;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

/** Write an object to a file. */
export async function download(
  store: ObjectStore,
  key: string,
  path: string,
): Promise<void> {
  const { body } = await store.get(key);
  await pipeline(
    Readable.fromWeb(body as unknown as NodeStream),
    createWriteStream(path),
  );
}
