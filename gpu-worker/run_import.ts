/**
 * SPINE of an import: an upload to a model of the tenant.
 *
 *   download → read and write (in a thread) → check → store
 *
 * @module
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "../shared/errors.ts";
import type { TaskRecord } from "../shared/queue/tasks.ts";
import { ImportInput, type StoredModel } from "../shared/schema/tasks.ts";
import { objectKey } from "../shared/storage/keys.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import { VERSION } from "../shared/version.ts";
import type { ImportAsk, ImportReply } from "./import_thread.ts";
import { download, storeModel } from "./stored_models.ts";

/** What imports work with. */
export interface ImportDeps {
  readonly store: ObjectStore;
  /** Folder for what is being worked on. */
  readonly work: string;
}

/**
 * Do an import.
 *
 * @throws {ModelError} if the file is none that can be imported
 * @throws {NotFoundError} if it was never sent
 */
export async function runImport(
  { store, work }: ImportDeps,
  task: TaskRecord,
  signal: AbortSignal,
): Promise<StoredModel> {
  const input = ImportInput.parse(task.input);
  const { tenant } = task;
  await mkdir(work, { recursive: true });
  const folder = await mkdtemp(join(work, "import-"));
  try {
    const bring = async (upload: string, name: string) => {
      const path = join(folder, name);
      const key = objectKey(tenant, "uploads", ...upload.split("/"));
      await download(store, key, path);
      return path;
    };
    const path = await bring(input.upload, "checkpoint");
    const sizeModel = input.sizeModel === null
      ? undefined
      : await bring(input.sizeModel, "size-model");
    signal.throwIfAborted();
    const made = join(folder, "model");
    await importInThread(input.file, {
      path,
      folder: made,
      options: {
        precision: input.precision,
        version: VERSION,
        ...(input.licence === null ? {} : { licence: input.licence }),
        ...(sizeModel === undefined ? {} : { sizeModel }),
      },
    }, signal);
    return await storeModel(store, made, { tenant, name: input.name });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importInThread(
  name: string,
  ask: ImportAsk,
  signal: AbortSignal,
): Promise<void> {
  const thread = new Worker(new URL("./import_thread.ts", import.meta.url), {
    type: "module",
  });
  try {
    const { error } = await new Promise<ImportReply>((resolve, reject) => {
      thread.addEventListener(
        "message",
        ({ data }: MessageEvent<ImportReply>) => resolve(data),
      );
      thread.addEventListener("error", (event) => {
        event.preventDefault();
        resolve({ error: event.message });
      });
      signal.addEventListener("abort", () => reject(signal.reason));
      thread.postMessage(ask);
    });
    if (error !== undefined) throw new ModelError(name, error);
  } finally {
    thread.terminate();
  }
}
