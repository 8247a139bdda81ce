/**
 * Loaded models by digest, the least recently used unloaded first.
 *
 * A model that somebody uses stays loaded, even where more are than wanted:
 * whoever finds one closes it when done.
 *
 * @module
 */
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { ModelBook } from "../shared/queue/models.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import { mergeCalls } from "./merge_calls.ts";
import { bringModel } from "./stored_models.ts";

/** Id of the model that comes with the service. */
export const DEFAULT_MODEL = "default";

/** Where models come from. */
export interface ModelCacheOptions {
  /** Folder of the model that comes with the service. */
  readonly shipped: string;
  readonly models: ModelBook;
  readonly store: ObjectStore;
  /** Folder for models of the store. */
  readonly folder: string;
  readonly load: (folder: string) => Promise<Encoder>;
  /** Loaded at a time, but for those in use; default 3. */
  readonly maxLoaded?: number;
}

/** Loaded models. */
export interface ModelCache {
  /**
   * The encoder of a model; close it when done.
   *
   * @throws {NotFoundError | ConflictError} if the tenant has no such model
   * @throws {ModelError} if it cannot be loaded
   */
  find(id: string, tenant: string): Promise<Encoder>;
  /** Folder of a model's files. */
  folderOf(id: string, tenant: string): Promise<string>;
  /** Unload all; nothing may be in use. */
  close(): Promise<void>;
}

interface Loaded {
  readonly encoder: Promise<Encoder>;
  users: number;
}

/** Open a cache; nothing is loaded yet. */
export function openModelCache(
  { shipped, models, store, folder, load, maxLoaded = 3 }: ModelCacheOptions,
): ModelCache {
  // a map keeps the order of insertion: the first is the least recently used
  const loaded = new Map<string, Loaded>();

  async function release(entry: Loaded): Promise<void> {
    entry.users--;
    for (const [name, { users, encoder }] of [...loaded]) {
      if (loaded.size <= maxLoaded) return;
      if (users > 0) continue;
      loaded.delete(name);
      await (await encoder).close();
    }
  }

  async function open(name: string, folder: string): Promise<Encoder> {
    const entry = loaded.get(name) ?? {
      encoder: load(folder).then((encoder) => mergeCalls(encoder)),
      users: 0,
    };
    entry.users++;
    loaded.delete(name);
    loaded.set(name, entry);
    try {
      const encoder = await entry.encoder;
      let isOpen = true;
      return {
        ...encoder,
        async close() {
          if (!isOpen) return;
          isOpen = false;
          await release(entry);
        },
      };
    } catch (err) {
      // the next one tries again
      if (loaded.get(name) === entry) loaded.delete(name);
      throw err;
    }
  }

  async function place(id: string, tenant: string) {
    if (id === DEFAULT_MODEL) return { name: DEFAULT_MODEL, folder: shipped };
    const model = await models.require(tenant, id);
    return {
      name: model.digest,
      folder: await bringModel(store, folder, { tenant, model }),
    };
  }

  return {
    async find(id, tenant) {
      const found = await place(id, tenant);
      return await open(found.name, found.folder);
    },
    async folderOf(id, tenant) {
      return (await place(id, tenant)).folder;
    },
    async close() {
      const all = [...loaded.values()];
      loaded.clear();
      for (const { encoder } of all) {
        await encoder.then((each) => each.close()).catch(() => {});
      }
    },
  };
}
