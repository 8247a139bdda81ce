/**
 * Loaded models by digest, the least recently used unloaded first, and their
 * copies on this machine's disk.
 *
 * A model that somebody uses stays loaded, even where more are than wanted, and
 * its copy stays: whoever finds one closes it when done.
 *
 * @module
 */
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { ModelBook } from "../shared/queue/models.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import { mergeCalls } from "./merge_calls.ts";
import { openModelCopies } from "./model_copies.ts";

/** Id of the model that comes with the service. */
export const DEFAULT_MODEL = "default";

/** Copies of models on the disk: a dozen of a gigabyte. */
const MAX_COPY_BYTES = 16 * 2 ** 30;

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
  /** Of copies on the disk, but for those in use or loaded; default 16 GiB. */
  readonly maxCopyBytes?: number | undefined;
}

/** A folder that stays while somebody needs it. */
export interface HeldFolder {
  readonly folder: string;
  release(): void;
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
  /** Folder of a model's files, until it is released. */
  holdFolder(id: string, tenant: string): Promise<HeldFolder>;
  /**
   * Unload what was deleted and is not in use, and remove its copy.
   *
   * @throws {StorageError} if the store does not tell
   */
  sweep(): Promise<void>;
  /** Unload all; nothing may be in use. */
  close(): Promise<void>;
}

interface Loaded {
  readonly encoder: Promise<Encoder>;
  users: number;
}

/** Open a cache; nothing is loaded yet. */
export function openModelCache(
  { shipped, models, store, folder, load, maxLoaded = 3, maxCopyBytes }:
    ModelCacheOptions,
): ModelCache {
  const copies = openModelCopies(store, folder, {
    maxBytes: maxCopyBytes ?? MAX_COPY_BYTES,
  });
  /** How often each digest is needed just now. */
  const needs = new Map<string, number>();
  const isNeeded = (digest: string) => needs.has(digest);
  const isKept = (digest: string) => isNeeded(digest) || loaded.has(digest);
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

  async function open(
    name: string,
    { folder, release: letGo }: HeldFolder,
  ): Promise<Encoder> {
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
          letGo();
          await release(entry);
        },
      };
    } catch (err) {
      // the next one tries again
      if (loaded.get(name) === entry) loaded.delete(name);
      letGo();
      throw err;
    }
  }

  /** Where a model lies, and that it is needed there. */
  async function hold(
    id: string,
    tenant: string,
  ): Promise<HeldFolder & { name: string }> {
    if (id === DEFAULT_MODEL) {
      return { name: DEFAULT_MODEL, folder: shipped, release() {} };
    }
    const model = await models.require(tenant, id);
    const { digest } = model;
    // before anything is looked for: it must not go meanwhile
    const release = need(digest);
    try {
      const { folder, isNew } = await copies.bring(tenant, model);
      if (isNew) await copies.shrink(isKept);
      return { name: digest, folder, release };
    } catch (err) {
      release();
      throw err;
    }
  }

  function need(digest: string): () => void {
    needs.set(digest, (needs.get(digest) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (needs.get(digest) ?? 1) - 1;
      if (left > 0) needs.set(digest, left);
      else needs.delete(digest);
    };
  }

  return {
    async find(id, tenant) {
      const held = await hold(id, tenant);
      return await open(held.name, held);
    },
    holdFolder: hold,
    async sweep() {
      for (const digest of await copies.listDeleted()) {
        if (isNeeded(digest)) continue;
        const entry = loaded.get(digest);
        loaded.delete(digest);
        await copies.remove(digest, isNeeded);
        await entry?.encoder.then((each) => each.close()).catch(() => {});
      }
      await copies.shrink(isKept);
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
